"""Numbers as people read them: with a unit and at most two significant decimals."""

MB = 1_000_000
"""Bytes."""


def gigabytes(count: int) -> str:
    """Bytes as "1.4 GB", or "330 MB" below one gigabyte."""
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.0f} MB"


def millions(count: int) -> str:
    """A number of parameters as "135 M" or "1.5 B"."""
    if count >= 1e9:
        return f"{count / 1e9:.1f} B"
    return f"{count / 1e6:.0f} M" if count >= 1e7 else f"{count / 1e6:.1f} M"


def seconds(duration: float) -> str:
    """A duration as "0.42 s", "3.1 s", "75 s"."""
    if duration < 0.01:
        return "under 0.01 s"
    return f"{duration:.2f} s" if duration < 1 else f"{duration:.1f} s" if duration < 20 else f"{duration:.0f} s"
