"""DeadLetters (DB014, state): messages are set aside because nobody can process them.

What: a queue or topic that is named as one for dead letters (dlq, dead-letter, DLT, poison, parking lot) holds at
least five messages more than before the window. A few that have lain there for days are none.

Why it matters: each is something a user asked for and did not get, and nothing else fails: the consumer goes on.

Example: `37 messages were set aside in orders.dlq of rabbitmq since 11:33 UTC`

What to do: read one (without taking it); see the consumer's log and its last release, and the producer's; put them
back once it can read them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from autodevops.domain.finding import Finding
from autodevops.investigation.dependency_families import QUEUES
from autodevops.investigation.picture import Picture
from autodevops.investigation.rules.base import Rule, clock
from autodevops.investigation.rules.stores import before, change, moment, now, stores

_NAMES: Final = re.compile(r"(?:^|[^a-z])(?:dlq|dlt|dlx|dead[._-]?letters?|poison|parking[._-]?lot)(?:[^a-z]|$)", re.I)
_LEAST = 5.0
_MANY = 50.0


def is_dead_letter(queue: str) -> bool:
    return _NAMES.search(queue) is not None


def _check(picture: Picture, _earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    for store in stores(picture, *QUEUES):
        for ready in store.readings.get("ready", ()):
            name = ready.labels.get("queue") or ready.labels.get("topic") or store.about
            level, usual = now(ready, picture), before(ready, picture.span.window.start.timestamp())
            if not is_dead_letter(name) or level is None or usual is None or level - usual < _LEAST:
                continue
            rise = change(ready, picture, lambda old: old + _LEAST - 1, floor=0.2)
            if rise is None:
                continue
            more = level - rise.baseline
            yield RULE.finding(
                store.subject,
                f"{more:,.0f} messages were set aside in {name} of {store.subject.name} since"
                f" {clock(moment(rise.onset))}.",
                severity="error" if more >= _MANY else "warning",
                confidence=0.85,
                evidence=store.evidence("ready"),
                onset=moment(rise.onset),
            )


RULE = Rule("DB014", "DeadLetters", "state", _check, specificity=0.6, stage=2, documentation=__doc__)
