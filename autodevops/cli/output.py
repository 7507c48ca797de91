"""How an event stream and an investigation look in a terminal and as JSON."""

from __future__ import annotations

import json
import sys
from collections.abc import AsyncIterator, Iterable
from typing import Any

import typer

from autodevops.domain.evidence import Evidence
from autodevops.domain.investigation import Investigation
from autodevops.domain.stream import (
    AnswerCompleted,
    ContextRetrieved,
    TextDelta,
    ToolCallFinished,
    ToolCallStarted,
    TurnEvent,
    TurnFailed,
)
from autodevops.kernel.errors import AutoDevOpsError, UsageError


class TurnUnfinished(AutoDevOpsError):
    """Jamie could not answer; the stream said why."""


class QuestionRefused(UsageError):
    """Jamie could not answer this question; another one would do."""


class Told(AutoDevOpsError):
    """What stands on stdout says already what went wrong, for machines too."""


class NothingSeen(Told):
    """Not one system could be read, so there is no answer; what was printed says why for each."""


def require_sight(investigation: Investigation | None) -> None:
    """Raises NothingSeen when an investigation asked every system in vain. Call it after printing the answer."""
    if investigation is None or not investigation.missing:
        return
    seen = [item for item in investigation.evidence if item.ok and not item.tool.startswith("github.")]
    if not seen:
        systems = sorted({gap.tool.split(".")[0] for gap in investigation.missing})
        raise NothingSeen(f"None of {', '.join(systems)} could be read.", "Run `autodevops doctor` to see what to fix.")


def print_json(document: Any) -> None:
    sys.stdout.write(json.dumps(document, indent=2, ensure_ascii=False) + "\n")


def investigation_json(investigation: Investigation) -> dict[str, Any]:
    """The investigation without raw data: evidence keeps tool, query, window and digest; charts are left out."""
    document = investigation.model_dump(mode="json", exclude={"charts": True, "evidence": {"__all__": {"data"}}})
    for hypothesis, source in zip(document["hypotheses"], investigation.hypotheses, strict=True):
        hypothesis["evidence"] = list(source.evidence)
    return document


def answer_json(answer: AnswerCompleted) -> dict[str, Any]:
    investigation = answer.investigation
    return {
        "turn_id": answer.turn_id,
        "answer": answer.text,
        "narrator": answer.narrator,
        "note": answer.note,
        "follow_ups": list(answer.follow_ups),
        "evidence": [item.model_dump(mode="json", exclude={"data"}) for item in answer.evidence],
        "investigation": investigation_json(investigation) if investigation else None,
    }


def progress(event: TurnEvent, queries: dict[str, str]) -> None:
    """One line on stderr for each step; `queries` remembers what each running call asks."""
    if isinstance(event, ContextRetrieved):
        about = " · ".join(part for part in (event.intent, event.namespace, event.subject, event.window) if part)
        typer.secho(f"  {about}", err=True, dim=True)
    elif isinstance(event, ToolCallStarted):
        queries[event.call_id] = f"{event.tool}  {_one_line(event.query)}"
    elif isinstance(event, ToolCallFinished):
        sign, colour = ("✓", "green") if event.ok else ("✗", "red")
        what = queries.pop(event.call_id, "")
        typer.secho(f"  {sign} ", err=True, fg=colour, nl=False)
        typer.secho(f"{what}  {event.duration_ms:.0f} ms", err=True, dim=True)
        if not event.ok:
            typer.secho(f"    {event.preview}", err=True, fg="red")


async def follow(
    events: AsyncIterator[TurnEvent], *, quiet: bool, seen: list[TurnEvent] | None = None
) -> AnswerCompleted:
    """Show progress on stderr until the answer is there, which comes after what is `seen`.

    Raises TurnUnfinished with what the turn said.
    """
    queries: dict[str, str] = {}
    async for event in events:
        if seen is not None and not isinstance(event, AnswerCompleted | TextDelta):
            seen.append(event)
        if isinstance(event, AnswerCompleted):
            return event
        if isinstance(event, TurnFailed):
            kind = QuestionRefused if event.code == UsageError.code else TurnUnfinished
            raise kind(event.message, event.next_step)
        if not quiet:
            progress(event, queries)
    raise TurnUnfinished(
        "The conversation ended without an answer.", "Ask again; `autodevops doctor` checks the systems."
    )


def print_evidence(evidence: Iterable[Evidence], text: str = "") -> None:
    """What the answer rests on: id, tool, exact query, window. What `text` does not cite is only counted."""
    rows = list(evidence)
    shown = [item for item in rows if not text or item.id in text]
    if not shown:
        return
    typer.echo("\nEvidence")
    for item in shown:
        window = f"  {item.window.start:%H:%M}-{item.window.end:%H:%M} UTC" if item.window else ""
        typer.echo(f"  {item.id}  {item.tool}{window}\n      {_one_line(item.query, 160)}")
    if len(shown) < len(rows):
        typer.echo(f"  and {len(rows) - len(shown)} more that agree; --json lists them all")


def _one_line(text: str, limit: int = 100) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= limit else flat[: limit - 1] + "…"
