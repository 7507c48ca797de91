"""Leases on top of the ledger's state: one holder of a name at a time, taken over after expiry.

`Lease.version` grows with every change of hands and every renewal, so it serves as a fencing token. The time is an
argument; holders whose clocks differ should take leases much longer than the difference.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from autodevops.domain.base import Noun, UtcDatetime
from autodevops.domain.ledger import Entry, NewEvent
from autodevops.kernel.errors import LedgerConflict
from autodevops.stores.ledger import Ledger

KIND = "lease"


class Lease(Noun):
    name: str
    holder: str
    until: UtcDatetime
    version: int


def present(ledger: Ledger, name: str) -> Lease | None:
    """Who holds it, or held it last."""
    entry = ledger.entry(KIND, name)
    return None if entry is None else _lease(entry)


def take(ledger: Ledger, name: str, holder: str, *, now: datetime, length: timedelta) -> Lease | None:
    """None while another holds it, or when another was quicker. Taking one's own again renews it."""
    held = present(ledger, name)
    if held is not None and held.holder != holder and held.until > now:
        return None
    try:
        return _change(ledger, name, holder, "taken", now=now, until=now + length, expected=held.version if held else 0)
    except LedgerConflict:
        return None


def renew(ledger: Ledger, lease: Lease, *, now: datetime, length: timedelta) -> Lease:
    """Raises LedgerConflict when somebody took it meanwhile: stop what it stood for."""
    return _change(ledger, lease.name, lease.holder, "renewed", now=now, until=now + length, expected=lease.version)


def release(ledger: Ledger, lease: Lease, *, now: datetime) -> None:
    """Free for others from now on. Raises LedgerConflict when somebody took it meanwhile."""
    _change(ledger, lease.name, lease.holder, "released", now=now, until=now, expected=lease.version)


def _change(
    ledger: Ledger, name: str, holder: str, what: str, *, now: datetime, until: datetime, expected: int
) -> Lease:
    value = {"holder": holder, "until": until.isoformat()}
    event = NewEvent(at=now, kind="lease", what=what, actor=holder, subject=name, data={"until": until.isoformat()})
    entry, _ = ledger.change(KIND, name, value, expected=expected, event=event)
    return _lease(entry)


def _lease(entry: Entry) -> Lease:
    return Lease.model_validate({"name": entry.key, "version": entry.version, **entry.value})
