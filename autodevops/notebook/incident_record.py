"""`record_of(INCIDENT)` in a notebook: what was noticed, decided, done and seen afterwards, from the ledger, as tables.

The investigation is not repeated here: the notebook runs it again over the incident's window, so that its evidence is
in the bundle.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from autodevops.domain.incident import Incident
from autodevops.domain.ledger import LedgerEvent
from autodevops.domain.operation import Operation
from autodevops.runbooks.render import table
from autodevops.runbooks.texts import literal

if TYPE_CHECKING:
    import pandas as pd

_STATES = {
    "analyzing": "Its cause is being looked for.",
    "awaiting": "An action waits for people's yes.",
    "acting": "An action is under way.",
    "verifying": "An action was done; whether what was noticed ends is being watched.",
    "escalated": "It is left to people.",
}


@dataclass(frozen=True)
class IncidentRecord:
    incident: Incident
    operations: tuple[Operation, ...]
    events: tuple[LedgerEvent, ...]

    def headline(self) -> str:
        """Markdown: what it is, how it stands, and why it stands there."""
        incident = self.incident
        over = incident.resolution
        state = f"Over since {over.at:%Y-%m-%d %H:%M:%S} UTC." if over else _STATES.get(incident.phase or "", "")
        why = over.words if over else next((str(e.data["words"]) for e in self.events[::-1] if "words" in e.data), "")
        noticed = f"noticed at {_at(incident.detection.at)} UTC by {literal(incident.detection.by)}"
        about = f"`{incident.id}`, {literal(incident.place)}, {incident.severity}; {noticed}."
        return f"> **{literal(incident.title)}** {state} {literal(why)}\n\n{about}"

    def signals(self) -> pd.DataFrame:
        """What was noticed, in the order it joined."""
        return table(
            ("since (UTC)", "source", "name", "about", "what"),
            (
                (_at(one.since), one.source, one.name, str(one.subject or one.namespace or "-"), one.words)
                for one in self.incident.signals
            ),
        )

    def decisions(self) -> pd.DataFrame:
        """One row for each thing that was weighed."""
        return table(
            ("action", "decision", "what was weighed", "what it did"),
            (
                (_what(one), one.decision.verdict.replace("_", " "), factor.words, factor.effect)
                for one in self.operations
                if one.decision is not None
                for factor in one.decision.factors
            ),
        )

    def changes(self) -> pd.DataFrame:
        """Every field that was to be another, by the system's own dry run."""
        return table(
            ("action", "field", "before", "after"),
            (
                (_what(one), edit.path, str(edit.before), str(edit.after))
                for one in self.operations
                if one.plan is not None
                for edit in one.plan.dry_run.edits
            ),
        )

    def outcomes(self) -> pd.DataFrame:
        """What came of each action, and the checks that say so."""
        rows: list[tuple[str, str, str, str]] = []
        for one in self.operations:
            outcome = one.outcome
            rows.append((_what(one), outcome.result if outcome else one.stage, "", outcome.words if outcome else ""))
            rows += [("", check.judgement, check.name, check.words) for check in (outcome.checks if outcome else ())]
        return table(("action", "result", "check", "what"), rows)

    def course(self) -> pd.DataFrame:
        """What was entered about it, step by step."""
        return table(
            ("time (UTC)", "by", "step", "what"),
            (
                (_at(event.at), event.actor, event.what, "; ".join(f"{k}: {v}" for k, v in event.data.items()))
                for event in self.events
            ),
        )


def record_of(incident: str) -> IncidentRecord:
    """By id, or as much of it as is needed; `last` is the newest. Raises UsageError."""
    from autodevops.executor.operations import load_all
    from autodevops.settings import load_settings
    from autodevops.stores.incidents import find_incident
    from autodevops.stores.sqlite_ledger import open_ledger

    with open_ledger(load_settings().ledger, read_only=True) as ledger:
        found = find_incident(ledger, incident)
        operations = tuple(
            one for one in load_all(ledger) if one.proposal.incident == found.id or one.id in found.operations
        )
        subjects = (found.id, *(one.id for one in operations))
        events = [event for subject in subjects for event in ledger.events(subject=subject)]
    return IncidentRecord(found, operations, tuple(sorted(events, key=lambda event: event.seq)))


def _what(operation: Operation) -> str:
    action = operation.proposal.action
    return f"{action.kind} {action.subject}"


def _at(moment: object) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S}"
