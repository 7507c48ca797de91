"""How one scenario went: what was noticed, opened, done and over, and when; seconds are the world's, after the onset.

`asked` people say yes to whatever they are asked, after five minutes: what waited for them was not resolved by Scarlet
alone, and is counted apart. A yes does not make a wrong action right.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from autodevops.evaluation.suite import Half

Effect = Literal["resolves", "relieves", "nothing", "worsens", "not applied"]
End = Literal["resolved", "escalated", "closed early", "going on", "missed", "quiet", "false alarm"]
"""`resolved`: closed, and all is well by the world. `closed early`: closed, and it is not. `going on`: neither closed
nor left to people when the play's time was over. `missed`: no incident though there was a fault. `quiet` and
`false alarm`: none, and one, where nothing is wrong."""


@dataclass(frozen=True)
class Opened:
    """One incident. `right`: its cause is one of the scenario's; None while it has none. `among3`: one of the first
    three hypotheses is."""

    at: float
    reason: str
    kind: str
    name: str
    confidence: float
    right: bool | None
    among3: bool
    phase: str
    closed: float | None
    signals: int


@dataclass(frozen=True)
class Deed:
    """One operation of the executor that was decided on."""

    at: float
    action: str
    kind: str
    name: str
    asked: bool
    result: str  # of its outcome; empty when there is none yet
    effect: Effect

    @property
    def applied(self) -> bool:
        return self.effect != "not applied"

    @property
    def right(self) -> bool:
        return self.effect in ("resolves", "relieves")

    @property
    def wrong(self) -> bool:
        return self.applied and not self.right


@dataclass(frozen=True)
class Course:
    """`remediable`: what would end it is something that the executor can do. `safe`: it is of low risk by its kind, so
    that the matrix as it is shipped lets a machine do it alone. `worse`: services that failed more than they would
    have without her. `own_seconds` is processor time of Scarlet's thread, `seconds` that of the whole play,
    sandbox included."""

    scenario: str
    group: str
    half: Half
    true_reason: str
    true_kind: str
    true_name: str
    causes: int
    remediable: bool
    safe: bool
    opened: tuple[Opened, ...]
    deeds: tuple[Deed, ...]
    end: End
    ended: float
    worse: tuple[str, ...]
    own_seconds: float
    seconds: float
    tool_calls: int

    @property
    def faulty(self) -> bool:
        return bool(self.true_name)

    @property
    def detected(self) -> float | None:
        """When the first incident was opened."""
        return min((one.at for one in self.opened), default=None)

    @property
    def over(self) -> float | None:
        """When the last incident was closed; None while one is not, or where there is none."""
        closed = [one.closed for one in self.opened if one.closed is not None]
        return max(closed) if closed and len(closed) == len(self.opened) else None

    @property
    def top1(self) -> bool:
        return any(one.right for one in self.opened[:1])

    @property
    def top3(self) -> bool:
        return any(one.among3 for one in self.opened[:1])

    @property
    def blamed(self) -> int:
        """Incidents put down to what is not at fault."""
        return sum(one.right is False for one in self.opened)

    @property
    def asked(self) -> bool:
        return any(one.asked for one in self.deeds)

    @property
    def alone(self) -> bool:
        """Resolved by what she did, and nobody was asked."""
        return self.with_people and not self.asked

    @property
    def with_people(self) -> bool:
        """Resolved by what she did, whoever said yes."""
        return self.end == "resolved" and any(one.right for one in self.deeds)

    @property
    def wrong_alone(self) -> int:
        return sum(one.wrong and not one.asked for one in self.deeds)

    @property
    def wrong_approved(self) -> int:
        return sum(one.wrong and one.asked for one in self.deeds)
