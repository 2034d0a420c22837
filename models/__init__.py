"""The shared model registry, its backends and weights."""

import os

# OpenMP threads that wait spin by default, which starves every other request on the same cores: a language model beside
# torch ran 30 times slower. The libraries read this once, when the first of them is loaded.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
