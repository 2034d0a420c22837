"""`python -m models`: look at the catalog, fetch weights ahead of a lecture, check them."""

import argparse
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from models.catalog import CATALOG
from models.errors import ModelError
from models.hosting import front_matter, hardware_table
from models.locations import default_cache, offline_wanted
from models.pins import read_pins, resolve, write_pins
from models.registry import Registry
from models.spec import ModelSpec
from models.store import WeightStore
from models.units import gigabytes, millions


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command; returns the exit status: 0, or 1 if a model could not be fetched or a file is wrong."""
    parser = argparse.ArgumentParser(prog="python -m models", description=__doc__)
    parser.add_argument("--cache", type=Path, default=default_cache(), help="folder of the weights (%(default)s)")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("list", help="every model: task, size, licence, state, and why it cannot run here")
    fetch_parser = commands.add_parser("fetch", help="download weights now")
    fetch_parser.add_argument("models", nargs="*", metavar="MODEL", help="model ids, as `list` shows them")
    fetch_parser.add_argument("--all", action="store_true", help="every model that can run on this machine")
    commands.add_parser("verify", help="hash every downloaded file again")
    pin_parser = commands.add_parser(
        "pin", help="ask the hub for the newest revisions and write them to models/pins.toml"
    )
    pin_parser.add_argument("models", nargs="*", metavar="MODEL", help="model ids (default: all that are unpinned)")
    space_parser = commands.add_parser(
        "space", help="the lines of the README's front matter that name the hub's models, for Hugging Face Spaces"
    )
    space_parser.add_argument(
        "models", nargs="*", metavar="MODEL", help="model ids to have on the Space from the start (default: all)"
    )
    commands.add_parser("hardware", help="which hardware of Spaces runs which models, as it stands in the README")
    commands.add_parser("table", help="the catalog as a Markdown table, as it stands in the README")
    chosen = parser.parse_args(arguments)

    registry = Registry(CATALOG, store=WeightStore(chosen.cache, offline=offline_wanted()))
    try:
        if chosen.command == "list":
            return list_models(registry)
        if chosen.command == "verify":
            return verify(registry)
        if chosen.command == "table":
            print(markdown_table(registry))
            return 0
        if chosen.command == "hardware":
            print(hardware_table(list(registry)))
            return 0
        if chosen.command == "space":
            print(front_matter(registry, [registry[model_id] for model_id in chosen.models] or list(registry)))
            return 0
        if chosen.command == "pin":
            return pin([registry[model_id] for model_id in chosen.models] or list(registry))
        if not chosen.all and not chosen.models:
            fetch_parser.error("name a model, or --all")
        runnable = [spec for spec in registry if not registry.why_not(spec.id)]
        return fetch(registry, runnable if chosen.all else [registry[model_id] for model_id in chosen.models])
    except ModelError as error:
        print(error, file=sys.stderr)
        return 1


def list_models(registry: Registry) -> int:
    """Prints the catalog as a table."""
    rows = [("TASKS", "MODEL", "SIZE", "LICENCE", "STATE", "WHY NOT")]
    for status in registry.status():
        spec = status.spec
        size = gigabytes(spec.weights.size) if spec.weights.size else "none"
        rows.append((", ".join(spec.tasks), spec.id, size, spec.licence, status.state, status.why))
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
    return 0


def markdown_table(specs: Iterable[ModelSpec]) -> str:
    """The catalog for the README: application, model, licence, size, what it was trained on."""
    rows = ["| application | model | parameters | licence | download | trained on |", "|---|---|---|---|---|---|"]
    for spec in specs:
        model = f"[{spec.title}]({spec.homepage}), {spec.paper.authors} {spec.paper.year}"
        parameters = millions(spec.parameters) if spec.parameters else "none"
        size = gigabytes(spec.weights.size) if spec.weights.size else "with the gallery"
        where = "" if "cpu" in spec.devices else " (needs a graphics card)"
        trained_on = spec.trained_on or "nothing: a fixed formula"
        rows.append(
            f"| {', '.join(spec.tasks)} | {model}{where} | {parameters} | {spec.licence} | {size} | {trained_on} |"
        )
    return "\n".join(rows)


def fetch(registry: Registry, specs: Iterable[ModelSpec]) -> int:
    """Downloads what `specs` need, telling how far it is. One failure does not stop the rest."""
    failures = 0
    for weights in {spec.weights.name: spec.weights for spec in specs}.values():

        def show(here: int, total: int, name: str = weights.name) -> None:
            if sys.stderr.isatty():
                share = here / total if total else 1.0
                bar = "#" * round(30 * share)
                print(f"\r{name}  [{bar:<30}] {here / 1e6:.0f} of {total / 1e6:.0f} MB", end="", file=sys.stderr)

        try:
            folder = registry.store.fetch(weights, show)
            print(f"\r{weights.name}: {gigabytes(weights.size)} in {folder}")
        except ModelError as error:
            failures += 1
            print(f"\r{weights.name}: {error}", file=sys.stderr)
    return 1 if failures else 0


def pin(specs: Iterable[ModelSpec]) -> int:
    """Pins the unpinned ones of `specs` to what the hub holds now. One failure does not stop the rest."""
    failures = 0
    pins = read_pins()
    repositories = {spec.weights.unpinned: None for spec in specs if spec.weights.unpinned}
    for repository in repositories:
        try:
            pins[repository.repo] = found = resolve(repository)
            write_pins(pins.values())
            size = gigabytes(sum(file.size for file in found.files))
            print(f"{found.repo}: {len(found.files)} files, {size}, at {found.revision}")
        except ModelError as error:
            failures += 1
            print(error, file=sys.stderr)
    if not repositories:
        print("Every one of these models is pinned.")
    return 1 if failures else 0


def verify(registry: Registry) -> int:
    """Hashes every downloaded file again and names the wrong ones."""
    faults = 0
    for weights in {spec.weights.name: spec.weights for spec in registry}.values():
        if not registry.store.present(weights):
            print(f"{weights.name}: not downloaded")
            continue
        found = registry.store.verify(weights)
        faults += len(found)
        print("\n".join(found) or f"{weights.name}: correct")
    if faults:
        print(f"Delete the files named above in {registry.store.root} and run `python -m models fetch --all`.")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
