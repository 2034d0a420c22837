"""The shared model registry: every tab leases its models here, so that one set of loaded weights serves them all.

Life of a model: registered -> (fetched) -> loaded -> leased and returned many times -> evicted when room is needed.
A hundred first users cause one load; what is leased is never evicted; a load that fails leaves everything as it was.
"""

import threading
import time
import traceback
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from concurrent.futures import Future, wait
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import partial
from importlib import import_module

from models.breaker import Breaker
from models.devices import Device, available_devices, default_budget, load_within_memory, release_unused_memory
from models.errors import (
    BadInputError,
    BusyError,
    DuplicateModelError,
    ModelUnavailableError,
    UnknownModelError,
)
from models.fair_line import FairLine, Ticket
from models.lease import GRACE_SECONDS, Lease
from models.residents import Resident, Residents
from models.spec import ModelSpec
from models.states import Choice, LoadProgress, ModelStatus, State
from models.store import WeightStore
from models.tasks import Task
from models.units import gigabytes
from models.watchdog import Watched

PATIENCE_SECONDS = 120.0
"""How long a request waits for a place."""
LOAD_PATIENCE_SECONDS = 600.0
"""How long one waits for the model to be fetched and loaded, which goes on without them."""
POLL_SECONDS = 0.25
MOST_HUNG = 2
"""Copies of a model that may hang beside a fresh one."""

Clock = Callable[[], float]


@dataclass
class _Loading:
    """A load under way, shared by everybody who waits for it."""

    done: Future[None] = field(default_factory=Future)
    progress: LoadProgress = field(default_factory=lambda: LoadProgress("loading"))


class Registry:
    """The models of the gallery. An ordinary object: tests make their own.

    `budget` is the number of bytes that loaded models may take on each kind of device.
    """

    def __init__(
        self,
        specs: Iterable[ModelSpec] = (),
        *,
        store: WeightStore,
        devices: tuple[Device, ...] | None = None,
        budget: Mapping[str, int] | None = None,
        clock: Clock = time.monotonic,
    ) -> None:
        self.store = store
        self.devices = available_devices() if devices is None else devices
        self._clock = clock
        self._specs: dict[str, ModelSpec] = {}
        self._residents = Residents(budget or {d.kind: default_budget(d) for d in self.devices}, clock)
        self._loading: dict[str, _Loading] = {}
        self._breakers: dict[str, Breaker] = {}
        self._lines: dict[str, FairLine] = {}
        self._lock = threading.RLock()
        self._closed = False
        # Making room and loading go one at a time, or two loads could both claim the last free gigabyte.
        self._placing = threading.Lock()
        self.add(*specs)

    def add(self, *specs: ModelSpec) -> None:
        """Registers all of `specs` or, on a duplicate id (`DuplicateModelError`), none of them."""
        with self._lock:
            extended = dict(self._specs)
            for spec in specs:
                if spec.id in extended:
                    raise DuplicateModelError(f"Two models are called {spec.id!r}.")
                extended[spec.id] = spec
            self._breakers.update({spec.id: Breaker(self._clock) for spec in specs})
            self._lines.update({spec.id: FairLine(spec.concurrency) for spec in specs})
            self._specs = extended

    def __getitem__(self, model_id: str) -> ModelSpec:
        """The spec of that id. Raises `UnknownModelError`, which names the nearest known ids, for anything else."""
        if isinstance(model_id, str) and model_id in self._specs:
            return self._specs[model_id]
        asked = str(model_id)[:80] if isinstance(model_id, str | int | None) else "of this kind"
        near = get_close_matches(asked, self._specs, n=3, cutoff=0.4) or sorted(self._specs)
        raise UnknownModelError(f"There is no model {asked!r}; known are: {', '.join(near)}.")

    def __contains__(self, model_id: object) -> bool:
        return model_id in self._specs

    def __iter__(self) -> Iterator[ModelSpec]:
        return iter(tuple(self._specs.values()))

    def __len__(self) -> int:
        return len(self._specs)

    def for_task(self, task: Task) -> tuple[ModelSpec, ...]:
        """The models of a task, the preferred one first."""
        return tuple(sorted((spec for spec in self if task in spec.tasks), key=lambda spec: spec.preference))

    def choose(self, task: Task) -> Choice:
        """The preferred model of `task` that can run here and now, with the reason why each other one cannot."""
        reasons = {spec.id: self.why_not(spec.id) for spec in self.for_task(task)}
        best = next((self[model_id] for model_id, reason in reasons.items() if not reason), None)
        return Choice(best, {model_id: reason for model_id, reason in reasons.items() if reason})

    def why_not(self, model_id: str) -> str:
        """Why the model cannot run here and now, in a few words ("needs CUDA"); empty if it can."""
        spec = self[model_id]
        if self._residents.get(model_id) is not None:
            return ""
        device = self._device_for(spec)
        if device is None:
            return f"needs {' or '.join(kind.upper() for kind in spec.devices)}"
        needed, free = spec.memory[device.kind], self._residents.free(device)
        if needed > free:
            return f"needs {gigabytes(needed)}, {gigabytes(max(free, 0))} free"
        if self._breakers[model_id].why_resting:
            return self._breakers[model_id].why_resting
        if self._residents.hung(model_id) >= MOST_HUNG:
            return f"{MOST_HUNG} of its runs hang"
        return self.store.refusal(spec.weights)

    def prepare(self, model_id: str) -> Generator[LoadProgress, None, None]:
        """Brings the model into memory, telling how far it is a few times a second; ends when it is loaded.

        Whoever stops listening does not stop the load: others may be waiting for it. Raises what the load raised.
        """
        reason = self.why_not(model_id)
        if reason:
            raise ModelUnavailableError(f"{self[model_id].title} cannot run here now: {reason}.")
        loading = self._start_loading(model_id)
        if loading is None:
            return
        while not loading.done.done():
            yield loading.progress
            wait([loading.done], timeout=POLL_SECONDS)
        loading.done.result()

    def warm_up(self, model_id: str) -> None:
        """Begins to load the model in the background, if that needs no download and it can run here; never raises."""
        if not self.why_not(model_id) and self.store.present(self[model_id].weights):
            with suppress(ModelUnavailableError):  # the program ends
                self._start_loading(model_id)

    @contextmanager
    def lease(self, model_id: str, *, task: Task | None = None, patience: float = PATIENCE_SECONDS) -> Iterator[Lease]:
        """The model, loaded, for as long as the `with` block runs; at most `spec.concurrency` blocks run at once, their
        places shared fairly between visitors.

        Waits up to `patience` seconds for a free place. Raises `UnknownModelError`, `BadInputError` (no model of
        `task`, which is found out before anything is fetched or evicted), `ModelUnavailableError`, `FetchError`,
        `OutOfMemoryError` or `BusyError`.
        """
        entering = self.enter(model_id, task=task, patience=patience)
        while True:
            try:
                next(entering)
            except StopIteration as entered:
                block: AbstractContextManager[Lease] = entered.value
                break
        with block as lease:
            yield lease

    def enter(
        self, model_id: str, *, task: Task | None = None, patience: float = PATIENCE_SECONDS
    ) -> Generator[LoadProgress, None, AbstractContextManager[Lease]]:
        """As `lease`, for people who watch: tells a few times a second how far the model is on its way into memory and
        how many are to be served first, and returns the block to be entered:

            with (yield from registry.enter(model_id)) as lease:

        Whoever closes the generator stops waiting.
        """
        spec = self[model_id]
        if task is not None and task not in spec.tasks:
            raise BadInputError(f"{spec.title} cannot {task.verb}; please choose another model.")
        ticket = self._lines[model_id].join()
        try:
            yield from self._prepare_within(spec, LOAD_PATIENCE_SECONDS)
            ends = time.monotonic() + patience
            while not ticket.wait(min(POLL_SECONDS, patience)):
                if time.monotonic() >= ends:
                    raise BusyError(f"{spec.title} is busy with other requests; please try again in a minute.")
                yield LoadProgress("waiting", before=ticket.before)
        except BaseException:
            ticket.leave()
            raise
        return self._leased(spec, ticket)

    def _prepare_within(self, spec: ModelSpec, seconds: float) -> Iterator[LoadProgress]:
        ends = time.monotonic() + seconds
        for progress in self.prepare(spec.id):
            if time.monotonic() >= ends:
                raise BusyError(f"{spec.title} is not ready yet ({progress}); please come back in some minutes.")
            yield progress

    @contextmanager
    def _leased(self, spec: ModelSpec, ticket: Ticket) -> Iterator[Lease]:
        try:
            resident = self._take(spec.id)
        except BaseException:
            ticket.leave()
            raise
        lease = Lease(spec, resident.device, resident.backend)
        try:
            yield lease
        finally:
            self._return(resident, ticket, lease.end())

    def _return(self, resident: Resident, ticket: Ticket, run: Watched[None] | None) -> None:
        """Gives the model and the place back: now or, if a `run` goes on, when its last step has ended. One that does
        not end hangs: its copy of the model is set aside, and the place is free for a fresh one."""
        if run is None:
            self._residents.give_back(resident)
            ticket.leave()
            return

        def hangs() -> None:
            self._residents.set_aside(resident)
            ticket.leave()

        patience = threading.Timer(GRACE_SECONDS, hangs)
        patience.daemon = True

        def ended() -> None:
            patience.cancel()
            self._residents.give_back(resident)
            ticket.leave()

        patience.start()
        run.when_ended(ended)

    def unload(self, model_id: str) -> bool:
        """Frees the model's memory now, unless somebody is using it; says whether it did."""
        resident = self._residents.remove_idle(self[model_id].id)
        if resident is None:
            return False
        resident.close()
        return True

    def close(self) -> None:
        """Waits for loads under way and closes every model, used or not. For the end of a program."""
        with self._lock:
            self._closed = True
            under_way = [loading.done for loading in self._loading.values()]
        wait(under_way)
        for resident in self._residents.remove_all():
            resident.close()

    def status(self) -> tuple[ModelStatus, ...]:
        """What every model is doing at this moment."""
        return tuple(self._status_of(spec) for spec in self)

    def memory(self) -> dict[str, tuple[int, int]]:
        """For each kind of device the bytes that loaded models hold, and the budget."""
        return {d.kind: (self._residents.held(d), self._residents.budget[d.kind]) for d in self.devices}

    def _device_for(self, spec: ModelSpec) -> Device | None:
        return next((device for device in self.devices if device.takes(spec.memory)), None)

    def _take(self, model_id: str) -> Resident:
        while True:
            for _ in self.prepare(model_id):
                pass
            resident = self._residents.take(model_id)
            if resident is not None:  # else it was evicted between the load and this line
                return resident

    def _start_loading(self, model_id: str) -> _Loading | None:
        """The load under way, begun now if there is none; None if the model is in memory."""
        spec = self[model_id]
        with self._lock:
            if self._closed:
                raise ModelUnavailableError("The gallery is shutting down; please come back when it runs again.")
            if self._residents.get(model_id) is not None:
                return None
            if model_id in self._loading:
                return self._loading[model_id]
            loading = self._loading[model_id] = _Loading()
        threading.Thread(target=self._load, args=(spec, loading), name=f"load {model_id}", daemon=True).start()
        return loading

    def _load(self, spec: ModelSpec, loading: _Loading) -> None:
        """Runs on a thread of its own, so that a student who leaves takes nothing away from the others."""
        evicted: list[str] = []
        failure: BaseException | None = None
        try:
            self._fetch_and_place(spec, loading, evicted)
        except BaseException as error:  # noqa: BLE001 - whatever it was, the waiting threads must hear of it
            failure = error
        if failure is not None:  # out here, where the exception no longer keeps alive what was loaded so far
            _clear_frames(failure)
            release_unused_memory()
            self._bring_back(evicted)
        with self._lock:
            del self._loading[spec.id]
        if failure is None:
            self._breakers[spec.id].succeeded()
            loading.done.set_result(None)
        else:
            # That others are using the memory just now is no fault of the model's.
            if not isinstance(failure, ModelUnavailableError):
                self._breakers[spec.id].failed(failure)
            loading.done.set_exception(failure)

    def _fetch_and_place(self, spec: ModelSpec, loading: _Loading, evicted: list[str]) -> None:
        """Adds to `evicted` the ids of the models that had to go."""

        def on_bytes(here: int, total: int) -> None:
            loading.progress = LoadProgress("fetching", here, total)

        folder = self.store.fetch(spec.weights, on_bytes)
        loading.progress = LoadProgress("loading")
        module, _, function = spec.loader.partition(":")
        loader = getattr(import_module(module), function)
        device = self._device_for(spec)
        assert device is not None, "why_not has checked it"
        with self._placing:
            evicted += self._residents.make_room(spec, device)
            backend = load_within_memory(loader, folder, device, spec.title)
            if hasattr(backend, "make_room"):  # it would like idle models to go when a request needs more memory
                backend.make_room = partial(self._residents.evict_idle, device)
            self._residents.add(spec, device, backend)

    def _bring_back(self, model_ids: list[str]) -> None:
        """Loads again, in the background, what was evicted for a model that then failed to load."""
        for model_id in model_ids:
            self.warm_up(model_id)

    def _status_of(self, spec: ModelSpec) -> ModelStatus:
        device = self._device_for(spec)
        hung = self._residents.hung(spec.id)
        hanging = f"{hung} of its runs hang{'s' * (hung == 1)}" if hung else ""
        resident = self._residents.get(spec.id)
        if resident is not None:
            return ModelStatus(spec, "loaded", hanging, device, resident.leases, resident.memory)
        loading = self._loading.get(spec.id)
        if loading is not None:
            stage: State = "downloading" if loading.progress.stage == "fetching" else "loading"
            return ModelStatus(spec, stage, str(loading.progress), device)
        reason = self.why_not(spec.id)
        if reason:
            return ModelStatus(spec, "unavailable", reason, device)
        last_error = self._breakers[spec.id].last_error
        why = hanging or (f"last try failed: {last_error}" if last_error else "")
        state: State = "on disk" if self.store.present(spec.weights) else "not downloaded"
        return ModelStatus(spec, state, why, device)


def _clear_frames(error: BaseException | None) -> None:
    """Empties the frames that an exception and its causes point to: they hold, say, half-loaded weights."""
    while error is not None:
        traceback.clear_frames(error.__traceback__)
        error = error.__cause__ or error.__context__
