"""Options that several commands share, and how they become a window."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from autodevops.kernel.errors import UsageError

WEEK_MINUTES = 7 * 24 * 60

Namespace = Annotated[
    str,
    typer.Option("--namespace", "-n", help="Kubernetes namespace. Default: the configured one, else the context's."),
]
Window = Annotated[int | None, typer.Option("--window", "-w", help="Minutes to look back, up to a week.")]
End = Annotated[
    str, typer.Option("--end", help="End of the window as RFC 3339, e.g. 2026-11-24T03:45:00Z. Default: now.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout and nothing else there.")]


def parse_end(text: str, option: str = "--end") -> datetime | None:
    """Raises UsageError when `text` is no time. A time without a zone is taken as UTC."""
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise UsageError(f"{option} {text!r} is not a time.", "Write it as 2026-11-24T03:45:00Z.") from error
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def parse_window(minutes: int | None) -> int | None:
    """Raises UsageError when `minutes` is not between 1 and a week."""
    if minutes is not None and not 1 <= minutes <= WEEK_MINUTES:
        raise UsageError(
            f"--window {minutes} is not between 1 and {WEEK_MINUTES} minutes.", "Give minutes to look back."
        )
    return minutes
