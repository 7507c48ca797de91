"""Options that several commands share, and how they become a window."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from autodevops.kernel.errors import UsageError

WEEK_MINUTES = 7 * 24 * 60
_SPANS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}

Namespace = Annotated[
    str,
    typer.Option("--namespace", "-n", help="Kubernetes namespace. Default: the configured one, else the context's."),
]
Window = Annotated[int | None, typer.Option("--window", "-w", help="Minutes to look back, up to a week.")]
End = Annotated[
    str, typer.Option("--end", help="End of the window as RFC 3339, e.g. 2026-11-24T03:45:00Z. Default: now.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout and nothing else there.")]
AsPrometheus = Annotated[
    bool, typer.Option("--prometheus", help="Print it as Prometheus reads it, e.g. for a textfile collector.")
]


def parse_end(text: str, option: str = "--end", *, example: str = "2026-11-24T03:45:00Z") -> datetime | None:
    """Raises UsageError when `text` is no time. A time without a zone is taken as UTC."""
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise UsageError(f"{option} {text!r} is not a time.", f"Write it as {example}.") from error
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def parse_since(text: str, now: datetime, option: str = "--since") -> datetime | None:
    """A time, or so long before `now`: `2h`, `3d`. Raises UsageError."""
    if found := re.fullmatch(r"(\d{1,5})([mhdw])", text):
        return now - timedelta(**{_SPANS[found[2]]: int(found[1])})
    return parse_end(text, option, example="2h, 3d or 2026-11-24T03:45:00Z")


def require_one_form(*, as_json: bool, prometheus: bool) -> None:
    """Raises UsageError when both are asked for."""
    if prometheus and as_json:
        raise UsageError("--json and --prometheus exclude each other.", "Give one.")


def parse_window(minutes: int | None) -> int | None:
    """Raises UsageError when `minutes` is not between 1 and a week."""
    if minutes is not None and not 1 <= minutes <= WEEK_MINUTES:
        raise UsageError(
            f"--window {minutes} is not between 1 and {WEEK_MINUTES} minutes.", "Give minutes to look back."
        )
    return minutes
