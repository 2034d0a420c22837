"""Hostile calls of every kind on a gallery of one's own: `python -m tests.fuzz --minutes 30 --seed 1`."""
