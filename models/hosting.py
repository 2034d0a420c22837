"""What a host on Hugging Face Spaces is told: the models in the front matter, and which hardware runs which."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from models.devices import Device, default_budget
from models.sources import HubFiles, WeightFile
from models.spec import ModelSpec
from models.tasks import Task
from models.units import gigabytes

_GB = 1_000_000_000


@dataclass(frozen=True)
class Hardware:
    """Hardware of a Space: `students` says how many at once, and how far that was measured."""

    name: str
    card: Device | None
    students: str

    @property
    def budget(self) -> int:
        """Bytes that models may take on the card; 0 without one."""
        return default_budget(self.card) if self.card else 0

    def runs(self, spec: ModelSpec) -> bool:
        """Whether `spec` runs here, alone on the card if that is where it belongs."""
        on_card = self.card is not None and self.card.takes(spec.memory) and spec.memory["cuda"] <= self.budget
        return on_card or "cpu" in spec.memory


def _card(memory: int, *, on_loan: bool = False) -> Device:
    return Device("cuda", "", memory, "bfloat16", 8, on_loan)


HARDWARE = (
    Hardware("CPU basic (free): 2 cores, 16 GB", None, "15: from the figures measured below"),
    Hardware("ZeroGPU", _card(70 * _GB, on_loan=True), "15, and one at each large model: estimate"),
    Hardware("T4, 16 GB (bfloat16 is slow there)", _card(16 * _GB), "15: estimate"),
    Hardware("L4, 24 GB", _card(24 * _GB), "25: estimate"),
    Hardware("L40S, 48 GB", _card(48 * _GB), "60: estimate"),
    Hardware("A100, 80 GB", _card(80 * _GB), "80: estimate"),
)


def hardware_table(specs: Sequence[ModelSpec]) -> str:
    """In Markdown: the model that an application opens with on each hardware, by preference and by the memory that the
    specs tell, once every model is pinned; and for how many students that is. Applications to which a card adds nothing
    are left out."""
    tasks = dict.fromkeys(task for spec in specs if "cpu" not in spec.memory for task in spec.tasks)
    rows = [
        ["", *(hardware.name for hardware in HARDWARE)],
        ["---"] * (1 + len(HARDWARE)),
        ["room for models", *(gigabytes(h.budget) if h.card else "no card" for h in HARDWARE)],
        *([task, *(_opens_with(task, specs, hardware) for hardware in HARDWARE)] for task in tasks),
        ["students at once", *(hardware.students for hardware in HARDWARE)],
    ]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _opens_with(task: Task, specs: Iterable[ModelSpec], hardware: Hardware) -> str:
    fit = [spec for spec in specs if task in spec.tasks and hardware.runs(spec)]
    return min(fit, key=lambda spec: spec.preference).title if fit else "nothing"


def hub_repositories(specs: Iterable[ModelSpec]) -> tuple[str, ...]:
    """The repositories of the Hugging Face hub that `specs` name, in alphabetical order."""
    specs = tuple(specs)
    unpinned = {spec.weights.unpinned.repo for spec in specs if spec.weights.unpinned}
    return tuple(sorted(unpinned | {mirror.repo for mirror, _ in _pinned_on_hub(specs)}))


def front_matter(catalog: Iterable[ModelSpec], preloaded: Iterable[ModelSpec]) -> str:
    """`models` and `preload_from_hub` for a Space. The latter holds those of `preloaded` that are pinned, and is left
    out if there are none."""
    lines = ["models:", *(f"  - {repo}" for repo in hub_repositories(catalog))]
    pinned = {
        f"  - {mirror.repo} {','.join(dict(mirror.members).get(file.name, file.name) for file in files)} "
        f"{mirror.revision}": None
        for mirror, files in _pinned_on_hub(preloaded)
    }
    return "\n".join([*lines, "preload_from_hub:", *pinned] if pinned else lines)


def _pinned_on_hub(specs: Iterable[ModelSpec]) -> list[tuple[HubFiles, tuple[WeightFile, ...]]]:
    return [
        (mirror, spec.weights.files)
        for spec in specs
        for mirror in spec.weights.mirrors
        if isinstance(mirror, HubFiles)
    ]
