"""Checking a chain of rows: every digest, every link, no gap. Knows no files; `verify` feeds it from them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from autodevops.domain.audit import Divergence
from autodevops.domain.ledger import GENESIS
from autodevops.stores.ledger_rows import Row, right_digest

LISTED = 50  # divergences told one by one: more of them are one story


@dataclass
class Found:
    """The divergences so far; those beyond the bound are counted."""

    listed: list[Divergence] = field(default_factory=list)
    more: int = 0

    def add(self, where: str, what: str, seq: int | None = None) -> None:
        if len(self.listed) < LISTED:
            self.listed.append(Divergence(where=where, what=what, seq=seq))
        else:
            self.more += 1


@dataclass
class Chain:
    """A walk along the chain. After a divergence it goes on from what is written, so that each is told once."""

    found: Found
    gaps_allowed: bool = False  # a filtered export
    seq: int = 0  # of the last event walked
    digest: str | None = GENESIS  # of the same; None where it is not known
    first: int = 0
    events: int = 0
    unread: list[range] = field(default_factory=list)

    def walk(self, rows: Iterable[Row]) -> Iterable[Row]:
        """The same rows, each checked before it is passed on."""
        for row in rows:
            self._check(row)
            yield row

    def skip_to(self, seq: int, digest: str) -> None:
        """Go on behind a part that could not be read, whose end is recorded elsewhere."""
        self.unread.append(range(self.seq + 1, seq + 1))
        self.seq, self.digest = seq, digest

    def _check(self, row: Row) -> None:
        seq, previous, digest = row[0], row[-2], row[-1]
        where = f"event {seq}"
        if seq != self.seq + 1:
            if seq <= self.seq:
                self.found.add(where, f"it comes after event {self.seq}", seq)
            elif not self.gaps_allowed:
                missing = (
                    f"event {self.seq + 1} is" if seq == self.seq + 2 else f"events {self.seq + 1} to {seq - 1} are"
                )
                self.found.add(where, f"{missing} missing before it", self.seq + 1)
            self.digest = None
        if self.digest is not None and previous != self.digest:
            self.found.add(where, f"it follows {previous}, but the event before it has {self.digest}", seq)
        try:
            right = right_digest(row)
        except (TypeError, ValueError, OverflowError) as error:
            right = f"nothing, for it is no event ({error})"
        if right != digest:
            self.found.add(where, f"its digest is {digest}, but what is written in it gives {right}", seq)
        self.seq, self.digest = seq, digest
        self.first = self.first or seq
        self.events += 1
