"""CrashLogged (LOG002, locator): what a container wrote before it ended.

What: the last error of a container that ended with a failure, or its last line where it names none, with the
exception and its first own stack frame where it holds them, and the kind of error it is.

Why it matters: nothing says better why a program ended than its own last words.

Example: `Before it crashed, app of cart-7d9f-x2x4k wrote: KeyError: 'DB_URL' at /app/settings.py:12 in load`.

What to do: follow it; missing configuration, an unreachable dependency and a bug look alike from outside.
"""

from __future__ import annotations

from collections.abc import Iterable

from autodevops.analysis.log_lines import LogLine
from autodevops.analysis.log_tails import last_line
from autodevops.domain.finding import Finding
from autodevops.domain.subject import Subject
from autodevops.investigation.picture import LastWords, Picture
from autodevops.investigation.rules.base import Rule
from autodevops.investigation.rules.said import telling


def _check(picture: Picture, _earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    told: set[tuple[Subject, str]] = set()
    for crash in picture.last_words:
        found = None if crash.lives else _error(crash)
        if found is None or (crash.subject, crash.container) in told:
            continue
        told.add((crash.subject, crash.container))
        line, kind = found
        words = f"{line.exception}: {line.exception_message}" if line.exception else line.message
        if line.detail and line.detail not in words:
            words = f"{words}: {line.detail}"
        yield RULE.finding(
            crash.subject,
            f"Before it crashed, {crash.container} of {crash.pod} wrote: {words.rstrip(': ')[:240]}"
            + (f" at {line.top_frame}" if line.top_frame else "")
            + (f" ({kind})" if kind else ""),
            severity="error",
            confidence=0.9 if line.exception or line.is_error else 0.5,
            evidence=[crash.evidence],
        )


def _error(crash: LastWords) -> tuple[LogLine, str] | None:
    error = telling(crash) or next(iter(crash.errors), None)
    if error is not None:
        return error.line, error.kind
    line = last_line(crash.lines)
    return (line, "") if line is not None else None


RULE = Rule("LOG002", "CrashLogged", "locator", _check, specificity=0.45, stage=2, documentation=__doc__)
