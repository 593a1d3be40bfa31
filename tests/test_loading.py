"""What is loaded stays, so nobody looks for garbage among it."""

import gc

from digest.loading import modules_that_stay


def test_what_is_loaded_is_not_looked_at_again() -> None:
    """It is frozen; what comes afterwards is collected as ever."""
    with modules_that_stay():
        assert not gc.isenabled()
        loaded = [{"module": number} for number in range(1000)]
    assert gc.isenabled()
    assert gc.get_freeze_count() >= len(loaded)
    assert not any(row is loaded[0] for row in gc.get_objects())
