"""What the Speech tab says about itself."""

from demos.page import HowItWorks, Page
from models.tasks import Task

PAGE = Page(
    slug="speech",
    title="Speech",
    family="sound",
    task=Task.SPEECH,
    formula="p(sound | text)",
    sentence="The same words can be spoken in countless ways; the model settles on one.",
    how=HowItWorks(
        sentences="WaveNet was the first network that people found hard to tell from a person: it draws one sample "
        "after the other, each given all the samples before it and the text, 16,000 times for a second of sound. "
        "Hibari takes a shorter way: letters become phonemes, one network says how long and how high each is "
        "spoken and what spectrum it has, and an inverse Fourier transform turns that into the whole sentence at "
        "once. It was trained to repeat its teacher and has all but settled on one way to say a text: only a faint "
        "noise z is still drawn. VITS draws rhythm and melody as well, through normalizing flows. Bark knows no "
        "phonemes: it writes tokens of sound as a language model writes words, laughs at [laughs] and sings between "
        "♪ and ♪.",
        formula=r"\begin{aligned} \text{WaveNet: } & p(x \mid \text{text}) = \textstyle\prod_t "
        r"p(x_t \mid x_1, \dots, x_{t-1}, \text{text}) \\ \text{Hibari, VITS: } & x = G_\theta(\text{text}, z), \quad "
        r"z \sim \mathcal{N}(0, I) \end{aligned}",
        paper="WaveNet: [van den Oord et al. 2016](https://arxiv.org/abs/1609.03499). Hibari is a small student of "
        "Kokoro-82M, which follows StyleTTS 2, [Li et al. 2023](https://arxiv.org/abs/2306.07691). VITS: "
        "[Kim et al. 2021](https://arxiv.org/abs/2106.06103). Bark is much like AudioLM, "
        "[Borsos et al. 2022](https://arxiv.org/abs/2209.03143).",
        code="""
from pathlib import Path
from models.audio import encode_wav
from models.catalog import CATALOG
from models.registry import Registry
from models.store import WeightStore
from models.tasks import SpeechRequest

registry = Registry(CATALOG, store=WeightStore(Path("weights")))
request = SpeechRequest("Hello. Nobody speaks.", "heart", speed=1.2)
with registry.lease("hibari-heart") as lease:
    rate = lease.backend.sample_rate
    for number, sentence in enumerate(lease.backend.speak(request)):
        print(sentence.text, sentence.phonemes)
        wav = encode_wav(sentence.samples, rate, model=lease.spec.id)
        Path(f"sentence-{number}.wav").write_bytes(wav)
""",
    ),
    at_once=2,
)
