"""The project's own promises: requirements in step, cheap imports, licences recorded, one catalog for all."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from demos.examples import EXAMPLES_FOLDER
from models.__main__ import markdown_table
from models.catalog import CATALOG
from models.spec import ModelSpec

ROOT = Path(__file__).parent.parent


def test_requirements_are_those_of_pyproject_without_torch() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = {line for line in project["dependencies"] if not line.startswith("torch==")}
    lines = (ROOT / "requirements.txt").read_text().splitlines()
    assert {line for line in lines if line and not line.startswith("#")} == wanted
    assert all("==" in line for line in project["dependencies"]), "application pins are exact"


@pytest.mark.parametrize("module", ["app", "models.catalog", "models.registry", "demos.gallery"])
def test_import_stays_free_of_heavy_libraries(module: str) -> None:
    heavy = ["torch", "transformers", "diffusers", "onnxruntime", "xllamacpp", "hibari"]
    check = f"import sys, {module}; print([name for name in {heavy} if name in sys.modules])"
    found = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, cwd=ROOT, check=True)
    assert found.stdout.strip() == "[]"


def test_models_never_import_gradio() -> None:
    offenders = [
        path.name
        for path in (ROOT / "models").rglob("*.py")
        if re.search(r"^\s*(import|from) gradio", path.read_text(), re.M)
    ]
    assert offenders == []


@pytest.mark.parametrize("spec", CATALOG, ids=lambda spec: spec.id)
def test_every_spec_is_complete(spec: ModelSpec) -> None:
    assert re.fullmatch(r"[a-z0-9][a-z0-9.-]*", spec.id)
    assert spec.licence
    assert spec.homepage.startswith("https://")
    assert spec.paper.url.startswith("https://")
    assert spec.limits.endswith(".")
    assert spec.memory
    assert spec.weights.mirrors or spec.weights.unpinned
    for file in spec.weights.files:
        assert re.fullmatch(r"[0-9a-f]{64}", file.sha256)
        assert file.size > 0
    module, _, function = spec.loader.partition(":")
    source = (ROOT / Path(*module.split("."))).with_suffix(".py").read_text()
    assert f"def {function}(" in source, "the loader must exist"


def test_readme_shows_the_catalog() -> None:
    readme = (ROOT / "README.md").read_text()
    assert f"<!-- models -->\n{markdown_table(CATALOG)}\n<!-- /models -->" in readme


def test_every_asset_has_its_licence_recorded() -> None:
    record = (ROOT / "assets" / "LICENCES.md").read_text()
    missing = [path.name for path in EXAMPLES_FOLDER.iterdir() if f"`{path.name}`" not in record]
    assert missing == []


def test_every_promise_names_tests_that_exist() -> None:
    text = (ROOT / "SECURITY.md").read_text()
    promises = [line for line in text.splitlines() if line.startswith("| ")][1:]
    assert promises
    for promise in promises:
        named = re.findall(r"`(tests/\w+\.py)::(\w+)`", promise)
        assert named, promise
        for file, test in named:
            assert f"\ndef {test}(" in (ROOT / file).read_text(), f"{file}::{test}"
