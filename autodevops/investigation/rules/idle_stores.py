"""Whether a store that its callers wait for is at work at all. Shared by the rules over slow databases and networks.

By Little's law calls that take longer in the server are as many more sessions at work as there are seconds of waiting
a second. Where these sessions are not there, the calls wait on the way: the network, a pooler, the caller itself. A
session that sends its answer or waits for its client is idle in PostgreSQL's and MySQL's own figures.
"""

from __future__ import annotations

from typing import Final

from autodevops.domain.evidence import EvidenceId
from autodevops.domain.subject import Subject
from autodevops.investigation.picture import Picture
from autodevops.investigation.rules.stores import Store, before, now, stores

_LEAST_SESSIONS: Final = 3.0  # fewer are not told from chance in a gauge that is read now and then
_SHARE: Final = 0.25  # of the sessions that there would be


def is_idle(subject: Subject, picture: Picture, *, waiting: float) -> bool:
    """`waiting`: how many seconds a second its callers wait longer for it than before."""
    store = _watched(subject, picture)
    if store is None or waiting < _LEAST_SESSIONS:
        return False
    at_work = now(store.of("sessions"), picture)
    rested = before(store.of("sessions"), picture.span.window.start.timestamp())
    return at_work is not None and rested is not None and at_work - rested <= _SHARE * waiting


def waited_for(subject: Subject, picture: Picture, *, longer: float) -> float:
    """Seconds a second, where each of its transactions takes `longer` (s) than before; 0 where nobody counts them."""
    store = _watched(subject, picture)
    return longer * ((now(store.of("transactions"), picture) or 0.0) if store is not None else 0.0)


def idle_evidence(subject: Subject, picture: Picture) -> tuple[EvidenceId, ...]:
    store = _watched(subject, picture)
    return store.evidence("sessions", "transactions") if store is not None else ()


def _watched(subject: Subject, picture: Picture) -> Store | None:
    found = [one for one in stores(picture) if one.subject == subject and one.of("sessions") is not None]
    return found[0] if len(found) == 1 else None
