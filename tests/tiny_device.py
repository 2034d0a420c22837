"""Where the tiny pipelines of the hub run in tests: on the processor, or with GALLERY_TEST_CUDA=1 on the graphics card
of this machine."""

import os
from dataclasses import replace

from models.devices import available_devices
from models.spec import ModelSpec
from tests.conftest import CPU

# In float32 there too: the tests ask for the same numbers in every batch.
TINY = replace(available_devices()[0], precision="float32") if os.environ.get("GALLERY_TEST_CUDA") else CPU
DEVICES = (CPU,) if TINY == CPU else (TINY, CPU)


def run_here(spec: ModelSpec) -> ModelSpec:
    """A spec whose weights are tiny, allowed where tests run."""
    return replace(spec, memory={TINY.kind: 100_000_000})
