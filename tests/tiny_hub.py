"""Tiny pipelines of the real classes, served by the stand-in hub under the names that the specs know, and a registry of
those specs; on the processor, or with GALLERY_TEST_CUDA=1 on the graphics card of this machine."""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from models.devices import available_devices
from models.registry import Registry
from models.spec import ModelSpec
from models.store import WeightStore
from tests.conftest import CPU
from tests.standin_hub import StandInHub

# In float32 there too: the tests ask for the same numbers in every batch.
TINY = replace(available_devices()[0], precision="float32") if os.environ.get("GALLERY_TEST_CUDA") else CPU
DEVICES = (CPU,) if TINY == CPU else (TINY, CPU)


def run_here(spec: ModelSpec) -> ModelSpec:
    """A spec whose weights are tiny, allowed where tests run."""
    return replace(spec, memory={TINY.kind: 100_000_000})


def written(
    writers: Mapping[str, Callable[[Path], None]], factory: pytest.TempPathFactory, *, pickled: str = ""
) -> dict[str, Path]:
    """A folder for each model id, filled by its writer. `pickled` is a file that nobody should want, put where the
    writer has left none of that name."""
    folders = {}
    for model, write in writers.items():
        folders[model] = factory.mktemp(model)
        write(folders[model])
        if pickled and not (folders[model] / pickled).exists():
            (folders[model] / pickled).write_bytes(b"never wanted")
    return folders


@contextmanager
def tiny_registry(
    specs: Iterable[ModelSpec], folders: Mapping[str, Path], factory: pytest.TempPathFactory
) -> Iterator[tuple[Registry, StandInHub]]:
    """The real `specs` over the repositories in `folders`, which the hub serves; closed at the end."""
    specs = tuple(specs)
    repositories = {}
    for spec in specs:
        assert spec.weights.unpinned is not None
        repositories[spec.weights.unpinned.repo] = folders[spec.id]
    store = WeightStore(factory.mktemp("cache"))
    with StandInHub(repositories) as hub, pytest.MonkeyPatch.context() as patch:
        patch.setenv("HF_ENDPOINT", hub.url)
        registry = Registry([run_here(spec) for spec in specs], store=store, devices=DEVICES)
        yield registry, hub
        registry.close()
