"""What every demo is given: the registry and the settings of this gallery."""

from dataclasses import dataclass

from demos.output_filter import OutputFilter
from demos.settings import Settings
from models.catalog import CATALOG
from models.devices import available_devices
from models.registry import Registry
from models.store import WeightStore


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
    budget: dict[str, int] | None = None
    if settings.memory_gb is not None:
        budget = {device.kind: int(settings.memory_gb * 1e9) for device in available_devices()}
    store = WeightStore(settings.cache, offline=settings.offline)
    return Services(Registry(CATALOG, store=store, budget=budget), settings)
