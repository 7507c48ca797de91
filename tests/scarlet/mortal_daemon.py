"""The `autodevops` command whose time is the wall clock's and the seconds that a file says.

    mortal_daemon.py FILE scarlet run

So that a lease of minutes is over at once for a real process that waits for it.
"""

from __future__ import annotations

import sys
from datetime import datetime, timedelta
from pathlib import Path

from autodevops.kernel import clock

FILE = Path(sys.argv.pop(1))
now, uptime = clock.utc_now, clock.uptime


def later() -> float:
    return float(FILE.read_text("utf-8"))


def moved_now() -> datetime:
    return now() + timedelta(seconds=later())


def moved_uptime() -> float:
    return uptime() + later()


clock.utc_now, clock.uptime = moved_now, moved_uptime  # before anybody else imports them

from autodevops.__main__ import main  # noqa: E402

if __name__ == "__main__":
    main()
