"""Silences people made: kept in memory for as long as the sandbox runs, with their state a function of time."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from autodevops.sandbox.alertmanager.matchers import LabelMatcher, accepted


@dataclass(frozen=True)
class Silence:
    id: str
    matchers: tuple[LabelMatcher, ...]
    starts_at: datetime
    ends_at: datetime
    updated_at: datetime
    created_by: str
    comment: str

    def state(self, now: datetime) -> str:
        if now < self.starts_at:
            return "pending"
        return "active" if now < self.ends_at else "expired"


class Silences:
    """All silences there ever were, by id."""

    def __init__(self) -> None:
        self._by_id: dict[str, Silence] = {}

    def __iter__(self) -> Iterator[Silence]:
        return iter(list(self._by_id.values()))  # a copy: clients add silences while others read

    def get(self, identity: str) -> Silence | None:
        return self._by_id.get(identity)

    def put(self, silence: Silence, now: datetime) -> str:
        """Stores a silence; one that changes the matchers of a live one expires it and gets a new id, as there."""
        old = self._by_id.get(silence.id)
        if old is not None and old.matchers == silence.matchers and old.state(now) != "expired":
            self._by_id[old.id] = silence
            return old.id
        if old is not None:
            self.expire(old.id, now)
        fresh = replace(silence, id=str(uuid.uuid4()))
        self._by_id[fresh.id] = fresh
        return fresh.id

    def expire(self, identity: str, now: datetime) -> None:
        silence = self._by_id[identity]
        starts = min(silence.starts_at, now)
        self._by_id[identity] = replace(silence, starts_at=starts, ends_at=now, updated_at=now)

    def muting(self, labels: Mapping[str, str], now: datetime) -> list[str]:
        """Ids of the active silences that match an alert's labels."""
        return [s.id for s in self if s.state(now) == "active" and accepted(s.matchers, labels)]
