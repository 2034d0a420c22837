"""`python -m tests.fuzz [--minutes 30] [--seed N] [--only NUMBER]`: hostile calls by hand; prints what was found."""

import argparse
import sys

from tests.fuzz.campaign import Campaign, cheap_gallery
from tests.visitor import Visitor


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", type=int, help="the number of one input, which is sent once more; shows the log")
    chosen = parser.parse_args()
    with cheap_gallery() as gallery:
        campaign = Campaign(gallery, chosen.seed)
        if chosen.only is not None:
            with Visitor(gallery.address) as visitor:
                campaign.send(chosen.only, visitor)
            print(campaign.report, gallery.log_since(0), sep="\n")
            return 0
        print(campaign.run(chosen.minutes * 60))
        return int(bool(campaign.report.faults) or campaign.report.grown)


if __name__ == "__main__":
    sys.exit(main())
