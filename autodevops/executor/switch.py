"""The kill switch: an entry of the ledger, and a file for whoever has nothing but a shell. Either stops everything.

It is looked at before every write and while one is under way. A ledger or a file that cannot be read counts as stopped.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from autodevops.domain.ledger import NewEvent
from autodevops.kernel.errors import LedgerConflict, LedgerUnavailable
from autodevops.settings import ExecutorSettings
from autodevops.stores.ledger import Ledger

KIND = "switch"
KEY = "executor"


def stop_file(settings: ExecutorSettings) -> Path:
    import platformdirs

    return settings.stop_file or platformdirs.user_state_path("autodevops") / "stop"


def stopped(ledger: Ledger, file: Path) -> str:
    """By whom and why, as words after "stopped: "; empty when it is not."""
    try:
        if file.exists():
            return f"the file {file} exists"
        entry = ledger.entry(KIND, KEY)
    except (OSError, LedgerUnavailable) as error:
        return f"whether it is cannot be read: {error}"
    if entry is None or not entry.value.get("stopped"):
        return ""
    why = f", {entry.value['why']}" if entry.value.get("why") else ""
    return f"by {entry.value.get('by')}{why}"


def turn(ledger: Ledger, *, on: bool, by: str, why: str, now: datetime) -> None:
    """`on`: everything stops. Turning it twice the same way is two events and no error."""
    while True:
        entry = ledger.entry(KIND, KEY)
        event = NewEvent(
            at=now, kind="action", what="stopped" if on else "resumed", actor=by, subject=KEY, data={"why": why}
        )
        try:
            ledger.change(
                KIND, KEY, {"stopped": on, "by": by, "why": why}, expected=entry.version if entry else 0, event=event
            )
            return
        except LedgerConflict:
            continue
