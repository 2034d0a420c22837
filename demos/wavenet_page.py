"""What the WaveNet tab says about itself."""

from demos.page import HowItWorks, Page
from models.tasks import Task

PAGE = Page(
    slug="wavenet",
    title="WaveNet",
    family="sound",
    task=Task.WAVENET,
    formula="p(xₜ | x₁ … xₜ₋₁)",
    sentence="Sound, one sample after another: 8,000 draws a second, each given a quarter of a second before it.",
    how=HowItWorks(
        sentences="Each sample is one of 256 loudnesses (mu-law), drawn from the distribution that the network "
        "foresees given the samples before. A block looks at two moments of the block below, twice as far "
        "apart in each block, so ten blocks see 1,024 samples. Every block also speaks to the output "
        "directly: fewer blocks, a shorter memory. A spectrogram can tell it what to say: here hibari "
        "speaks your sentence, only its spectrogram is kept (64 bands, 100 times a second), and WaveNet "
        "draws the sound anew. Without it the network babbles: the sounds of a voice, no words. With queues "
        "it need not compute the whole past again for every sample.",
        formula=r"p(x) = \prod_{t=1}^{T} p(x_t \mid x_1, \dots, x_{t-1}), \qquad "
        r"z = \tanh(W_f * x + V_f c) \odot \sigma(W_g * x + V_g c)",
        paper="WaveNet: [van den Oord et al. 2016](https://arxiv.org/abs/1609.03499). Queues: "
        "[Paine et al. 2016](https://arxiv.org/abs/1611.09482).",
        code="""
from pathlib import Path
import numpy as np
from models.audio import encode_wav
from models.catalog import CATALOG
from models.registry import Registry
from models.store import WeightStore
from models.wavenet import SAMPLE_RATE, WaveNetRequest, to_samples

registry = Registry(CATALOG, store=WeightStore(Path("weights")))
with registry.lease("wavenet") as lease:
    request = WaveNetRequest(frames=200, seed=7)      # two seconds of babble
    levels = np.concatenate(list(lease.backend.generate(request)))
wav = encode_wav(to_samples(levels), SAMPLE_RATE, model="wavenet", seed=7)
Path("babble.wav").write_bytes(wav)
""",
    ),
    at_once=2,
)
