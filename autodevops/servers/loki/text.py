"""Log lines in the form that a model reads: what they share once, then one line each."""

from __future__ import annotations

from autodevops.domain.logs import LogRecord
from autodevops.domain.tool_results import LogResult, LogTail
from autodevops.servers._text import labels

BODY_SHOWN = 400  # characters of one line


def lines(result: LogResult) -> str:
    if not result.records:
        return "No lines."
    sets = [set(record.attributes.items()) for record in result.records]
    shared = dict(sorted(set.intersection(*sets))) if len(sets) > 1 else {}
    head = f"{len(result.records)} lines" + (f", all of {labels(shared)}" if shared else "")
    return "\n".join([head, *(_line(record, shared) for record in result.records)])


def tail(result: LogTail) -> str:
    return f"Followed for {result.seconds:.0f} s by {result.via}.\n{lines(result)}"


def _line(record: LogRecord, shared: dict[str, str]) -> str:
    own = {key: value for key, value in record.attributes.items() if key not in shared and value != record.severity}
    body = " ".join(record.body.split())
    if len(body) > BODY_SHOWN:
        body = body[: BODY_SHOWN - 1] + "…"
    at = record.timestamp.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return " ".join(part for part in (at, record.severity, labels(own) if own else "", body) if part)
