"""The models of the progress strip: one idea, p(x) over small grey pictures, from a Gaussian mixture to diffusion."""
