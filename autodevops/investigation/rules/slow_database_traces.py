"""SlowDatabase (TRC012, state): a database takes longer to answer the same statements.

What: the client spans of calls to a database (db.system, or db.system.name) account for at least half of what slow
requests take longer, and each call takes at least twice as long as the same statement did before the onset. The
database is the workload that server.address leads to, or the host's name where it is none of the namespace. A
database that is also asked much more often for each request may only bear what its callers do to it, and is named with
less confidence. One that has no more sessions at work than before is not what they wait for: NetworkDelay.

Why it matters: whoever asks it is slow; scaling the callers only makes it worse.

Example: `orders-db (postgresql) takes 820 ms for SELECT * FROM orders WHERE id = ?, 9 ms before`.

What to do: look at locks, missing indexes, the plan of that statement, connections, disk and replication of the
database; one slow statement points to its plan, all of them to the machine below.
"""

from __future__ import annotations

from collections.abc import Iterable

from autodevops.domain.finding import Finding
from autodevops.investigation.picture import Picture
from autodevops.investigation.rules.base import Rule, percent, seconds
from autodevops.investigation.rules.slow_calls import far, slow_callees
from autodevops.investigation.rules.traced import certainty


def _check(picture: Picture, earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    slow, ordinary = picture.slow_traces, picture.ordinary_traces
    for callee in slow_callees(picture, earlier):
        known = any(f.subject == callee.subject and f.reason == RULE.reason for f in earlier)
        if callee.database and (known or not far(callee, picture)):
            yield RULE.finding(
                callee.subject,
                f"{callee.subject.name} ({callee.database}) takes {seconds(callee.now / 1000)} for"
                f" {callee.operation[:80]}, {seconds(callee.before / 1000)} before: {percent(callee.share)} of what"
                f" slow requests take longer{callee.load}.",
                severity="error",
                confidence=certainty(callee.certain, min(len(slow), len(ordinary))),
                evidence=[seen.evidence for seen in (*slow, *ordinary)],
            )


RULE = Rule(
    "TRC012", "SlowDatabase", "state", _check, specificity=0.75, stage=3,
    shows_elsewhere=True, documentation=__doc__,
)  # fmt: skip
