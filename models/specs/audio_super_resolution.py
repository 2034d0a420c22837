"""Models that give speech over the telephone its upper band back."""

from models.sources import InstalledPackage, PackagedFiles, WeightFile, Weights
from models.spec import ModelSpec, Paper
from models.tasks import Task
from models.units import MB

WIDENING = Weights(
    name="audio-super-resolution",
    files=(
        WeightFile(
            "widening.safetensors", "58bd1e0bae600e5d5a2eb3b989c30fbd33cb6e42c8893a37039f16703d7111f8", 3_484_048
        ),
    ),
    mirrors=(PackagedFiles("audio-super-resolution"),),
)
"""The network of models/backends/widening_network.py in float16: see the card beside the weights."""

AUDIO_SUPER_RESOLUTION = (
    ModelSpec(
        id="speech-4-to-16-khz",
        tasks=(Task.AUDIO_SUPER_RESOLUTION,),
        title="Speech, 4 to 16 kHz",
        year=2026,
        paper=Paper(
            "Gritsenko et al.",
            "A Spectral Energy Distance for Parallel Speech Synthesis (the loss)",
            2020,
            "https://arxiv.org/abs/2008.01160",
        ),
        licence="Apache-2.0",
        homepage="https://packages.debian.org/stable/tuxpaint-stamps-default",
        parameters=1_739_784,
        weights=WIDENING,
        loader="models.backends.audio_super_resolution:load",
        memory={"cpu": 200 * MB, "cuda": 500 * MB},
        trained_on="two hours of Hibari, a synthetic voice, and of people in six languages",
        limits="Log-spectral distance on held-out sentences 0.64 (spline 1.34), on people never heard 1.04 (1.60). "
        "Speech only: music and noises get a voice's hiss. Which consonant was spoken is often not in the lower "
        "band at all, so an s may come out as an f.",
        concurrency=2,
        preference=10,
    ),
    ModelSpec(
        id="cubic-spline",
        tasks=(Task.AUDIO_SUPER_RESOLUTION,),
        title="Cubic spline",
        year=1993,
        paper=Paper("Unser et al.", "B-Spline Signal Processing", 1993, "https://ieeexplore.ieee.org/document/193220"),
        licence="none needed",
        homepage="https://numpy.org",
        parameters=0,
        weights=Weights("numpy", (), (InstalledPackage("numpy", "2.4.6"),)),
        loader="models.backends.cubic_spline:load",
        memory={"cpu": 50 * MB},
        trained_on="",
        limits="A smooth curve through the samples: nothing above 2 kHz is added, so it sounds as muffled as before.",
        concurrency=8,
        preference=100,
    ),
)
