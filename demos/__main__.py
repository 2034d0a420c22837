"""`python -m demos record [SLUG ...]`: makes the opening result of each tab anew on the real models."""

import argparse

from demos.gallery import APPLICATIONS
from demos.services import make_services
from demos.settings import read_settings


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m demos", description=__doc__)
    parser.add_argument("command", choices=["record"])
    parser.add_argument("slugs", nargs="*", metavar="SLUG", help="tabs to record (default: all)")
    chosen = parser.parse_args()
    services = make_services(read_settings([]))
    for demo in APPLICATIONS:
        if not chosen.slugs or demo.PAGE.slug in chosen.slugs:
            recorded = demo.record(services)
            print(f"{demo.PAGE.slug}: {recorded.model}, {recorded.seconds:.1f} s on {recorded.device}")


if __name__ == "__main__":
    main()
