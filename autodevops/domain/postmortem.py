"""What is said after an incident: facts with their sources, and places that only people can fill. Blameless.

No I/O and no wording of files: `analysis.postmortems` makes it, `runbooks.postmortem_text` writes it.
"""

from __future__ import annotations

from typing import Literal

from autodevops.domain.base import Noun, UtcDatetime

Section = Literal["Summary", "Impact", "Causes", "What went well", "What went badly", "Where we got lucky", "Lessons"]
SECTIONS: tuple[Section, ...] = (
    "Summary",
    "Impact",
    "Causes",
    "What went well",
    "What went badly",
    "Where we got lucky",
    "Lessons",
)


class Fact(Noun):
    """One field; several things are lines of its `value`. An empty one is left to people, who are asked `hint`; their
    words are kept by `key`."""

    key: str
    section: Section
    label: str
    value: str = ""
    source: str = ""
    hint: str = ""


class Moment(Noun):
    """A line of the timeline. `source`: an evidence id, an operation, the incident's record."""

    at: UtcDatetime
    kind: Literal["change", "onset", "alert", "event", "detection", "decision", "action", "note", "recovery"]
    text: str
    source: str


class ActionItem(Noun):
    """What would make it less likely, shorter or smaller. Owner and due date are for people."""

    key: str
    text: str
    source: str


class Postmortem(Noun):
    incident: str
    title: str
    namespace: str
    facts: tuple[Fact, ...]
    timeline: tuple[Moment, ...]
    items: tuple[ActionItem, ...]

    @property
    def filled(self) -> int:
        """Fields that were filled from facts: the timeline is one, and each item's text."""
        return sum(bool(fact.value) for fact in self.facts) + bool(self.timeline) + len(self.items)

    @property
    def for_people(self) -> int:
        """Fields that are left to people: an owner and a due date for each item among them."""
        return sum(not fact.value for fact in self.facts) + 2 * len(self.items)
