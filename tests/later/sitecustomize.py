"""Read at the start of every Python process of `make later`: sleeping, as libfaketime can do it.

Under it Python's own sleep fails (EINVAL) while monotonic time is left as it is, and where that is moved too, a lock that is
waited for with a limit is waited for through all the years.
"""

import select
import time


def _sleep(seconds: float) -> None:
    if seconds < 0:
        raise ValueError("sleep length must be non-negative")
    select.select([], [], [], seconds)


time.sleep = _sleep
