"""How weights of the hub are read by the `from_pretrained` of diffusers and transformers."""

from pathlib import Path
from typing import Any

SAFE: dict[str, Any] = {"use_safetensors": True, "local_files_only": True, "trust_remote_code": False}
"""No pickled weights, no network, no code from a repository."""


def safe_or_weights_only(safetensors: Path) -> dict[str, Any]:
    """As `SAFE`, for a repository that may be from before `safetensors`, a file of it.

    Where that file is missing, the weights are pickled. Both libraries read those with torch's weights-only unpickler,
    which runs nothing that a file asks for.
    """
    return {**SAFE, "use_safetensors": safetensors.is_file()}
