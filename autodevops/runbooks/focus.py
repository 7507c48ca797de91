"""One problem out of an investigation: what a runbook about crash loops or volumes shows of what was judged.

The rules have judged already; this only chooses by their reasons (and by the name of a workload), and says in one line
what that comes to. What it leaves out is named, so that a runbook about the wrong problem says which is the right one.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import TYPE_CHECKING, TypeVar

from autodevops.domain.investigation import Investigation
from autodevops.domain.subject import Subject
from autodevops.runbooks import render, sections
from autodevops.runbooks.texts import literal

if TYPE_CHECKING:
    import pandas as pd

T = TypeVar("T")

_SAID = 2  # findings in the first line; the table has the rest


def focus(investigation: Investigation, reasons: Collection[str] = (), name: str = "") -> Investigation:
    """The investigation with only those hypotheses and findings; without reasons all, with a name only about that.

    A pod counts for the workload whose name it begins with.
    """

    def about(reason: str, subject: Subject) -> bool:
        named = not name or subject.name == name or subject.name.startswith(f"{name}-")
        return named and (not reasons or reason in reasons)

    return investigation.model_copy(
        update={
            "hypotheses": tuple(item for item in investigation.hypotheses if about(item.reason, item.subject)),
            "findings": tuple(item for item in investigation.findings if about(item.reason, item.subject)),
        }
    )


def headline(focused: Investigation, whole: Investigation, *, well: str) -> str:
    """Markdown: what was found in one line, or that all is well; where the trouble is another; what was not seen."""
    healthy = whole.verdict == "healthy"
    now = [item.message for item in focused.findings if item.ended is None and item.severity != "info"]
    said = list(dict.fromkeys([item.summary for item in focused.hypotheses] or now))
    told = sections.told(said, _SAID)
    unseen = whole.silent_systems
    if said and not healthy:
        first = f"**Found.** {told}"
    elif healthy:
        word = "Nothing found, as far as could be seen" if unseen else "All is well"
        # What rules noted and the engine did not hold for trouble is said, but not as trouble.
        first = f"**{word}.** " + (f"Noted, without harm to anybody: {told}" if said else literal(well))
    else:
        other = literal(" ".join(whole.summary.split()))
        first = f"**Not this problem.** {literal(well)} The namespace has another trouble: {other}"
    lost = f"\n\nNot all could be seen: {', '.join(unseen)} left queries without an answer." if unseen else ""
    return f"> {first}{lost}"


def findings(investigation: Investigation) -> pd.DataFrame:
    """What rules saw, whether or not it is a cause."""
    rows = [
        (
            item.severity,
            item.reason,
            str(item.subject),
            f"{item.onset:%Y-%m-%d %H:%M:%S}" if item.onset else "",
            f"{item.ended:%H:%M:%S}" if item.ended else "",
            item.message,
        )
        for item in investigation.findings
    ]
    return render.table(("severity", "reason", "subject", "since (UTC)", "until (UTC)", "what"), rows)


def read(what: str, ask: Callable[[], T]) -> T | pd.DataFrame:
    """The answer, or a table that says why there is none, so that a system that is away does not end the run."""
    looked = sections.Looked()
    found = looked.at(what, ask)
    return looked.table() if found is None else found
