"""Fills a hole with patches copied from the known part of the same picture.

For every patch that touches the hole, PatchMatch (Barnes et al. 2009) finds a similar one that is wholly known: a
random guess, then what the neighbours found, then random places nearer and nearer to the best so far. All patches that
cover a missing pixel vote on its colour; search and vote take turns, from coarse to fine (Wexler et al. 2007).
"""

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.backends.morphology import Holes, depth, grown
from models.errors import BadInputError

Floats = NDArray[np.float32]
"""Pictures: (height, width, 3) in [0, 1]."""
Places = NDArray[np.int32]
"""(n, 2): rows and columns."""

RADIUS = 3
"""Patches are 7 x 7 pixels."""
OFFSETS = [(y, x) for y in range(-RADIUS, RADIUS + 1) for x in range(-RADIUS, RADIUS + 1)]
COMPONENTS = 24
"""Patches are compared by so many principal components."""
SEARCHED_SIDE = 512
"""Pixels: on finer scales the patches found are copied, not searched for again."""
COARSEST_SIDE = 40
GUIDE_STEP = 4
"""Pixels between the places at which a guide is compared, and the radius of the blur it is seen through."""
GUIDE_WEIGHT = 0.3
"""Of the squared difference to the guide, against that of the patch itself."""
TRUST = 1.15
"""A patch one pixel deeper in the hole counts for so much less."""
DEEPEST = 30
FEWEST_SOURCES = 100
"""A scale with fewer known patches is too coarse to begin with."""


@dataclass(frozen=True)
class Scale:
    """One level of the pyramid: the picture, its hole, and what a guide foresees."""

    picture: Floats
    hole: Holes
    guide: Floats | None


def fill(
    picture: Floats, hole: Holes, start: Floats, random: np.random.Generator, guide: Floats | None = None
) -> Generator[tuple[int, int, Floats], None, Floats]:
    """The picture with its hole filled; what it holds there is ignored. Around the hole, up to `RADIUS` pixels away,
    too, it is returned as the patches show it: the seam can be judged by that.

    `start` is what stands in the hole before the first search. A `guide` (same size; outside the hole the picture
    itself) says roughly what belongs into the hole: patches are then chosen for looking like it from afar, too. Yields
    after each round of search and vote: rounds done, rounds in all, the picture at its present scale.

    Raises `BadInputError` if no patch is wholly known.
    """
    scales = [Scale(_with_hole_filled(picture, hole, start), hole, guide)]
    while max(scales[-1].hole.shape) > COARSEST_SIDE:
        smaller = _halved(scales[-1])
        if _sources(smaller.hole).sum() < FEWEST_SOURCES:
            break
        scales.append(smaller)
    rounds = [_rounds(scale) for scale in scales]
    done, field = 0, None
    for scale, wanted in zip(reversed(scales), reversed(rounds), strict=True):
        field = Field(scale, random, field)
        for _ in range(wanted):
            field.search()
            field.vote()
            done += 1
            yield done, sum(rounds), field.picture
    assert field is not None
    return field.as_copied()


def _rounds(scale: Scale) -> int:
    side = max(scale.hole.shape)
    if side > SEARCHED_SIDE:
        return 1
    return 3 if side > SEARCHED_SIDE // 2 else 5 if side > SEARCHED_SIDE // 4 else 8


class Field:
    """The nearest-neighbour field of one scale: for each patch that touches the hole, a known one like it."""

    def __init__(self, scale: Scale, random: np.random.Generator, coarser: "Field | None") -> None:
        self.picture = scale.picture.copy()
        self._random = random
        self._hole = scale.hole
        self._guide = None if scale.guide is None else guide_features(scale.guide)
        self._size = np.array(scale.hole.shape, np.int32)
        sources = _sources(scale.hole)
        if not sources.any():
            raise BadInputError(
                "Too little of this picture is known to copy from; please make the mask smaller or choose a model "
                "that does not copy."
            )
        self._is_source = sources.ravel()
        self._missing = _places(scale.hole)
        self._targets = _places(grown(scale.hole, RADIUS))
        self._row = np.full(scale.hole.size, -1, np.int32)  # which target stands at a place
        self._row[self._flat(self._targets)] = np.arange(len(self._targets), dtype=np.int32)
        self._trust = TRUST ** -depth(scale.hole, DEEPEST)[tuple(self._targets.T)]
        self._searched = coarser is None or max(scale.hole.shape) <= SEARCHED_SIDE
        self._sources = _places(sources)
        self.found = self._random_sources(len(self._targets))
        """Places of the known patches, one for each target."""
        self.distances = np.full(len(self._targets), np.inf, np.float32)
        if coarser is not None:
            self._take_over(coarser)
            self.vote()
        if self._searched:
            self._basis = self._principal_components()
            self._known = self._described()
            """Descriptors of all places; those of sources never change."""

    def _flat(self, places: Places) -> NDArray[np.int32]:
        return np.asarray(places[:, 0] * self._size[1] + places[:, 1])

    def _random_sources(self, count: int) -> Places:
        return self._sources[self._random.integers(len(self._sources), size=count)]

    def _take_over(self, coarser: "Field") -> None:
        rows = coarser._row[(self._targets // 2) @ np.array([coarser._size[1], 1], np.int32)]
        found = coarser.found[rows] * 2 + self._targets % 2
        usable = (rows >= 0) & (found < self._size).all(1)
        found = np.where(usable[:, None], found, 0)
        usable &= self._is_source[self._flat(found)]
        self.found[usable] = found[usable]

    def _principal_components(self) -> Floats:
        chosen = self._random_sources(3000)
        patches = patches_at(_padded(self.picture), chosen)
        _, vectors = np.linalg.eigh(np.cov(patches.T))
        return np.ascontiguousarray(vectors[:, -COMPONENTS:], np.float32)

    def _described(self, places: Places | None = None) -> Floats:
        """What patches look like, (n, features): squared distances between rows are those between patches."""
        padded = _padded(self.picture)
        if places is None:
            height, width = self._hole.shape
            places = np.indices((height, width), np.int32).reshape(2, -1).T
        parts = np.array_split(places, 1 + len(places) // 20_000)
        described: Floats = np.concatenate([patches_at(padded, part) @ self._basis for part in parts])
        described /= np.float32(len(OFFSETS) ** 0.5)
        if self._guide is None:
            return described
        return np.concatenate([described, self._guide[self._flat(places)]], 1)

    def search(self) -> None:
        """One round of PatchMatch: neighbours near and far, then random places around the best so far."""
        if not self._searched:
            return
        wanted = self._described(self._targets)
        self.distances = self._distance(wanted, self.found)
        for step in (8, 4, 2, 1):
            for direction in ((0, 1), (1, 0), (0, -1), (-1, 0)):
                shift = np.array(direction, np.int32) * step
                beside = self._targets + shift
                inside = np.asarray(((beside >= 0) & (beside < self._size)).all(1))
                rows = np.where(inside, self._row[self._flat(np.where(inside[:, None], beside, 0))], -1)
                self._try(wanted, self.found[rows] - shift, rows >= 0)
        reach = float(max(self._size))
        while reach >= 1:
            jump = self._random.uniform(-reach, reach, self.found.shape)
            self._try(wanted, self.found + jump.round().astype(np.int32))
            reach /= 2

    def _try(self, wanted: Floats, candidates: Places, allowed: Holes | None = None) -> None:
        usable = ((candidates >= 0) & (candidates < self._size)).all(1)
        if allowed is not None:
            usable &= allowed
        (rows,) = np.nonzero(usable)
        rows = rows[self._is_source[self._flat(candidates[rows])]]
        distances = self._distance(wanted[rows], candidates[rows])
        better = distances < self.distances[rows]
        rows = rows[better]
        self.found[rows] = candidates[rows]
        self.distances[rows] = distances[better]

    def _distance(self, wanted: Floats, candidates: Places) -> Floats:
        difference = np.take(self._known, self._flat(candidates), 0)
        difference -= wanted
        return np.asarray(np.einsum("ij,ij->i", difference, difference))

    def vote(self) -> None:
        """Each missing pixel becomes the mean of what the patches around it show there, good ones counting most."""
        self.picture[tuple(self._missing.T)] = self._votes(self._missing)

    def as_copied(self) -> Floats:
        """The picture with all places that the patches of the hole cover, known ones too, as they show them."""
        copied = self.picture.copy()
        copied[tuple(self._targets.T)] = self._votes(self._targets)
        return copied

    def _votes(self, places: Places) -> Floats:
        weights = self._trust
        if np.isfinite(self.distances).all():
            usual = np.quantile(self.distances, 0.5) + 1e-6
            weights = weights * np.exp(-self.distances / usual) + 1e-9
        padded = _padded(self.picture)
        total = np.zeros((len(places), 4), np.float32)
        for offset in np.array(OFFSETS, np.int32):
            centres = places - offset
            (voting,) = np.nonzero(((centres >= 0) & (centres < self._size)).all(1))
            rows = self._row[self._flat(centres[voting])]
            voting, rows = voting[rows >= 0], rows[rows >= 0]
            shown = self.found[rows] + offset + RADIUS
            weight = weights[rows, None]
            total[voting, :3] += weight * padded[shown[:, 0], shown[:, 1]]
            total[voting, 3:] += weight
        return total[:, :3] / total[:, 3:]


def patches_at(padded: Floats, places: Places) -> Floats:
    """The patches around `places` of a picture padded by `RADIUS`: (n, 7 * 7 * 3)."""
    rows, columns = places[:, 0] + RADIUS, places[:, 1] + RADIUS
    flat, width = padded.reshape(-1, 3), padded.shape[1]
    shifts = np.array([y * width + x for y, x in OFFSETS])
    return np.asarray(flat[(rows * width + columns)[:, None] + shifts].reshape(len(places), -1))


def guide_features(guide: Floats) -> Floats:
    """What a picture looks like from afar around each place: (height * width, 15)."""
    blurred = _box_blurred(_box_blurred(guide, GUIDE_STEP), GUIDE_STEP)
    height, width, _ = guide.shape
    padded = np.pad(blurred, ((GUIDE_STEP, GUIDE_STEP), (GUIDE_STEP, GUIDE_STEP), (0, 0)), mode="symmetric")
    shifts = ((0, 0), (-1, 0), (1, 0), (0, -1), (0, 1))
    seen = [padded[GUIDE_STEP * (1 + y) :, GUIDE_STEP * (1 + x) :][:height, :width] for y, x in shifts]
    weight = (GUIDE_WEIGHT / len(shifts)) ** 0.5
    return np.concatenate(seen, -1).reshape(height * width, -1) * np.float32(weight)


def _box_blurred(picture: Floats, radius: int) -> Floats:
    for axis in (0, 1):
        pad = [(0, 0)] * 3
        pad[axis] = (radius + 1, radius)
        sums = np.pad(picture, pad, mode="symmetric").cumsum(axis, dtype=np.float64)
        size = 2 * radius + 1
        picture = (
            (np.take(sums, range(size, sums.shape[axis]), axis) - np.take(sums, range(picture.shape[axis]), axis))
            / size
        ).astype(np.float32)
    return picture


def _padded(picture: Floats) -> Floats:
    return np.pad(picture, ((RADIUS, RADIUS), (RADIUS, RADIUS), (0, 0)), mode="symmetric")


def _places(where: Holes) -> Places:
    return np.argwhere(where).astype(np.int32)


def _sources(hole: Holes) -> Holes:
    """The centres of wholly known patches; what lies beyond the border is its mirror image."""
    return ~grown(np.pad(hole, RADIUS, mode="symmetric"), RADIUS)[RADIUS:-RADIUS, RADIUS:-RADIUS]


def _with_hole_filled(picture: Floats, hole: Holes, filling: Floats) -> Floats:
    return np.where(hole[..., None], filling, picture).astype(np.float32)


def _halved(scale: Scale) -> Scale:
    """Half as large. A pixel is missing there if any of its four is."""
    return Scale(
        _halved_picture(scale.picture),
        np.asarray(_blocks(scale.hole).any((1, 3))),
        None if scale.guide is None else _halved_picture(scale.guide),
    )


def _halved_picture(picture: Floats) -> Floats:
    return np.asarray(_blocks(picture).mean((1, 3), dtype=np.float32))


def _blocks(values: NDArray[Any]) -> NDArray[Any]:
    """(height, width, ...) -> (height / 2, 2, width / 2, 2, ...), odd sizes continued by their last line."""
    pad = [(0, values.shape[0] % 2), (0, values.shape[1] % 2), *[(0, 0)] * (values.ndim - 2)]
    even = np.pad(values, pad, mode="edge")
    return even.reshape(even.shape[0] // 2, 2, even.shape[1] // 2, 2, *even.shape[2:])
