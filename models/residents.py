"""The models in memory and the budget they share: who holds how much, who is in use, who goes when room is needed."""

import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from models.devices import Device, release_unused_memory
from models.errors import ModelUnavailableError
from models.spec import ModelSpec
from models.units import gigabytes

log = logging.getLogger(__name__)


@dataclass(eq=False)
class Resident:
    """A loaded model. `leases` counts the requests that use it at this moment."""

    spec: ModelSpec
    device: Device
    backend: Any
    leases: int = 0
    last_used: float = 0.0

    @property
    def memory(self) -> int:
        return self.spec.memory[self.device.kind]

    def close(self) -> None:
        """Lets go of the backend and gives its memory back."""
        log.info("unloading %s", self.spec.id)
        close = getattr(self.backend, "close", None)
        self.backend = None
        if close is not None:
            close()
        release_unused_memory()


class Residents:
    """The loaded models by id, within a `budget` of bytes for each kind of device. Safe for many threads."""

    def __init__(self, budget: Mapping[str, int], clock: Callable[[], float]) -> None:
        self.budget = dict(budget)
        self._clock = clock
        self._models: dict[str, Resident] = {}
        self._aside: list[Resident] = []
        self._lock = threading.RLock()

    def get(self, model_id: str) -> Resident | None:
        return self._models.get(model_id)

    def add(self, spec: ModelSpec, device: Device, backend: Any) -> None:
        with self._lock:
            self._models[spec.id] = Resident(spec, device, backend, last_used=self._clock())

    def take(self, model_id: str) -> Resident | None:
        """The model, now counted as in use; None if it is not in memory."""
        with self._lock:
            resident = self._models.get(model_id)
            if resident is not None:
                resident.leases += 1
            return resident

    def give_back(self, resident: Resident) -> None:
        """Ends one use. A model set aside is closed with its last one."""
        with self._lock:
            resident.leases -= 1
            resident.last_used = self._clock()
            done_with = resident in self._aside and not resident.leases
            if done_with:
                self._aside.remove(resident)
        if done_with:
            resident.close()

    def set_aside(self, resident: Resident) -> None:
        """Takes a model that hangs off the list, so that it is loaded anew for others; its memory still counts."""
        with self._lock:
            if self._models.get(resident.spec.id) is resident:
                del self._models[resident.spec.id]
            if resident.leases and resident not in self._aside:
                self._aside.append(resident)

    def hung(self, model_id: str) -> int:
        """How many copies of the model were set aside."""
        with self._lock:
            return sum(resident.spec.id == model_id for resident in self._aside)

    def remove_idle(self, model_id: str) -> Resident | None:
        """Takes the model off the list, unless somebody uses it. The caller closes it."""
        with self._lock:
            resident = self._models.get(model_id)
            return self._models.pop(model_id) if resident is not None and not resident.leases else None

    def remove_all(self) -> list[Resident]:
        """Takes every model off the list, used or not. The caller closes them."""
        with self._lock:
            models = list(self._models.values())
            self._models.clear()
            return models

    def held(self, device: Device) -> int:
        """Bytes held by the models on `device`."""
        with self._lock:
            return sum(resident.memory for resident in self._all() if resident.device == device)

    def free(self, device: Device) -> int:
        """Bytes of the budget that are free, or would be once every idle model had gone."""
        with self._lock:
            in_use = sum(r.memory for r in self._all() if r.device == device and r.leases)
            return self.budget[device.kind] - in_use

    def _all(self) -> list[Resident]:
        return [*self._models.values(), *self._aside]

    def evict_idle(self, device: Device) -> None:
        """Unloads every model of `device` that nobody uses."""
        with self._lock:
            idle = [r for r in self._models.values() if r.device == device and not r.leases]
            for resident in idle:
                del self._models[resident.spec.id]
        for resident in idle:
            resident.close()

    def make_room(self, spec: ModelSpec, device: Device) -> list[str]:
        """Evicts idle models of `device`, the longest unused first, until `spec` fits; returns their ids.

        Raises `ModelUnavailableError`, and evicts none, if what is in use leaves too little.
        """
        needed = spec.memory[device.kind]
        with self._lock:
            if needed > self.free(device):
                raise ModelUnavailableError(
                    f"{spec.title} needs {gigabytes(needed)} and other models are in use; please try again in a minute."
                )
            idle = sorted(
                (r for r in self._models.values() if r.device == device and not r.leases), key=lambda r: r.last_used
            )
            victims = []
            while self.held(device) + needed > self.budget[device.kind]:
                victims.append(self._models.pop(idle.pop(0).spec.id))
        for victim in victims:
            victim.close()
        return [victim.spec.id for victim in victims]
