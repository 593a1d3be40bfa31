"""Deep calls have room for their frames in one piece."""

import resource
from concurrent.futures import ThreadPoolExecutor

import pytest

from digest.frames import with_room

CALLS = 1000
_OWN = getattr(resource, "RUSAGE_THREAD", resource.RUSAGE_SELF)  # of this thread, on Linux


def test_a_loop_maps_memory_at_no_depth() -> None:
    """Without room it does at each call, at one depth of a hundred or so, before Python 3.13."""
    with ThreadPoolExecutor(1) as pool:  # whose frames begin with none
        assert pool.submit(with_room(_most_faults)).result() < CALLS / 10


def _most_faults() -> int:
    """Let a loop call at many depths; return the page faults at the worst one.

    The kernel counts one for each piece of memory that is mapped and used. Of three loops at a
    depth the best counts: other faults come now and then.
    """
    return max(min(_faults(depth) for _ in range(3)) for depth in range(200))


def _faults(depth: int) -> int:
    if depth:
        return _faults(depth - 1)
    before = resource.getrusage(_OWN).ru_minflt
    for _ in range(CALLS):
        _wide()
    return resource.getrusage(_OWN).ru_minflt - before


def _wide() -> int:
    """Have a larger frame than `_faults`, so that at one depth it is the first without a place."""
    return max(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19)


def test_arguments_results_and_errors_pass() -> None:
    """What has room is called as before, and has its name."""

    def divide(dividend: int, *, by: int) -> float:
        """Return the quotient."""
        return dividend / by

    roomy = with_room(divide)
    assert roomy(3, by=2) == 1.5
    assert roomy.__doc__ == "Return the quotient."
    with pytest.raises(ZeroDivisionError):
        roomy(3, by=0)
