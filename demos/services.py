"""What every demo is given: the registry and the settings of this gallery."""

import logging
from dataclasses import dataclass

from demos.output_filter import OutputFilter
from demos.settings import Settings
from models.catalog import CATALOG
from models.devices import available_devices, compiling
from models.errors import ModelError
from models.registry import Registry
from models.store import WeightStore
from models.tasks import Task
from models.zero_gpu import lent_card

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Services:
    """Shared by all tabs of one gallery."""

    registry: Registry
    settings: Settings

    @property
    def output_filter(self) -> OutputFilter:
        """Whatever models write passes here before anybody sees it."""
        return OutputFilter(self.settings.filter)


def make_services(settings: Settings) -> Services:
    """Services over the gallery's own catalog."""
    devices = compiling(available_devices()) if settings.compile else available_devices()
    budget: dict[str, int] | None = None
    if settings.memory_gb is not None:
        budget = {device.kind: int(settings.memory_gb * 1e9) for device in devices}
    store = WeightStore(settings.cache, offline=settings.offline, only_pinned=settings.hosted)
    return Services(Registry(CATALOG, store=store, devices=devices, budget=budget), settings)


def load_ahead(registry: Registry) -> None:
    """Loads what runs on a card on loan before the page is served, as such hosts ask for: the preferred model of each
    task, those that serve the most tabs first, as long as they fit together. What fails is told in the log and tried
    again when somebody asks for it."""
    if any(device.on_loan for device in registry.devices):
        lent_card()  # now, in the main thread; the host also refuses a program that has nothing to lend its card to
    preferred = {best.id: best for task in Task if (best := registry.choose(task).spec)}
    for best in sorted(preferred.values(), key=lambda spec: len(spec.tasks), reverse=True):
        device = next((device for device in registry.devices if device.takes(best.memory)), None)
        if device is None or not device.on_loan:
            continue
        held, budget = registry.memory()[device.kind]
        if held + best.memory[device.kind] > budget:
            continue
        try:
            for _ in registry.prepare(best.id):
                pass
        except ModelError as error:
            log.warning("%s is not loaded ahead: %s", best.id, error)
