"""Example inputs that ship with the gallery; their sources and licences are listed in assets/LICENCES.md."""

from pathlib import Path

EXAMPLES_FOLDER = Path(__file__).parent.parent / "assets" / "examples"


def example(name: str) -> str:
    """Path of an example file."""
    return str(EXAMPLES_FOLDER / name)
