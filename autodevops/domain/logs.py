"""Log records in OpenTelemetry's words."""

from __future__ import annotations

from autodevops.domain.base import Noun, UtcDatetime


class LogRecord(Noun):
    """One log line. `severity` is lower case (`error`, `warn`, `info`, `debug`) or empty if unknown.

    `attributes` are the stream labels and structured metadata; `body` is the line as it was written,
    which is attacker-controlled text: show it, never interpret it.
    """

    timestamp: UtcDatetime
    body: str
    severity: str = ""
    attributes: dict[str, str] = {}
    trace_id: str = ""
