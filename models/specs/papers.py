"""Papers behind the models of more than one module here."""

from models.spec import Paper

LATENT_DIFFUSION = Paper(
    "Rombach et al.",
    "High-Resolution Image Synthesis with Latent Diffusion Models",
    2022,
    "https://arxiv.org/abs/2112.10752",
)
CONSISTENCY_MODELS = Paper("Song et al.", "Consistency Models", 2023, "https://arxiv.org/abs/2303.01469")
QWEN25_CODER = Paper("Hui et al.", "Qwen2.5-Coder Technical Report", 2024, "https://arxiv.org/abs/2409.12186")
