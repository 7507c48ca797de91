"""CrashLogged (LOG002, locator): what a container wrote before it crashed.

What: the last error line, or the last line at all, of the previous container of a crashing pod, with the exception
and its first own stack frame where it holds them.

Why it matters: nothing says better why a program ended than its own last words.

Example: `Before it crashed, app of cart-7d9f-x2x4k wrote: KeyError: 'DB_URL' at /app/settings.py:12 in load`.

What to do: follow it; missing configuration, an unreachable dependency and a bug look alike from outside.
"""

from __future__ import annotations

from collections.abc import Iterable

from autodevops.analysis.log_lines import read_text
from autodevops.analysis.log_templates import categorise
from autodevops.domain.finding import Finding
from autodevops.domain.subject import Subject
from autodevops.investigation.picture import Picture
from autodevops.investigation.rules.base import Rule


def _check(picture: Picture, _earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    told: set[tuple[Subject, str]] = set()
    for crash in picture.last_words:
        lines = [line for line in crash.lines if line.strip()]
        if not lines or (crash.subject, crash.container) in told:
            continue
        told.add((crash.subject, crash.container))
        # The whole tail at once as well: a stack trace is many lines.
        folded = read_text("\n".join(lines))
        single = next((line for line in map(read_text, reversed(lines)) if line.is_error), read_text(lines[-1]))
        exception = folded.exception or single.exception
        words = f"{exception}: {folded.exception_message or single.exception_message}" if exception else single.message
        frame = folded.top_frame or single.top_frame
        kind = categorise(words, single.message)
        yield RULE.finding(
            crash.subject,
            f"Before it crashed, {crash.container} of {crash.pod} wrote: {words.rstrip(': ')[:240]}"
            + (f" at {frame}" if frame else "")
            + (f" ({kind})" if kind else ""),
            severity="error",
            confidence=0.9 if exception or single.is_error else 0.5,
            evidence=[crash.evidence],
        )


RULE = Rule("LOG002", "CrashLogged", "locator", _check, specificity=0.45, stage=2, documentation=__doc__)
