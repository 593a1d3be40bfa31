"""Shares, comparisons and how they are written. Pure."""

from math import sqrt

_Z = 1.96  # of a two-sided interval of 95 %


def share(part: int, whole: int) -> float | None:
    """Return a share from 0 to 1; None where there is nothing to share."""
    return part / whole if whole > 0 else None


def difference(value: float | None, usual: float | None) -> str:
    """Write how far a share is from the usual one, in percentage points: `+0.8`; blank for None."""
    if value is None or usual is None:
        return ""
    points = round((value - usual) * 100, 2)
    return f"{points:+.2f}" if points else "±0"


def lower_bound(part: int, whole: int) -> float:
    """Return the lower end of the Wilson interval of a share (95 %), so that few count for little.

    E. B. Wilson, Probable Inference (1927); 0 where there is nothing to share.
    """
    if whole <= 0:
        return 0.0
    estimate, square = min(part / whole, 1.0), _Z * _Z / whole
    spread = _Z * sqrt((estimate * (1 - estimate) + square / 4) / whole)
    return max(0.0, (estimate + square / 2 - spread) / (1 + square))
