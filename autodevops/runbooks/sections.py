"""What runbooks have in common: an answer first, what could not be seen beside it, bars, and what to do next.

`Looked` keeps what was asked for in vain, so that one system that is away leaves the rest of a runbook standing.
Nothing here asks anything by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, TypeVar

from autodevops.kernel.errors import LedgerUnavailable, ToolError
from autodevops.runbooks.render import BAD, PALETTE, layout, plain, table
from autodevops.runbooks.texts import cut, literal

if TYPE_CHECKING:
    import pandas as pd
    import plotly.graph_objects as go

T = TypeVar("T")

_SAID = 3  # findings in the first line; the tables have the rest
_ERROR_LENGTH = 240  # characters


class Looked:
    """What a runbook looked at, and what it could not see."""

    def __init__(self) -> None:
        self.asked = 0
        self.gaps: list[tuple[str, str]] = []

    @property
    def blind(self) -> bool:
        """Whether nothing that was asked was answered."""
        return self.asked > 0 and len({what for what, _ in self.gaps}) >= self.asked

    def at(self, what: str, read: Callable[[], T], *, sample: bool = False) -> T | None:
        """What `read` gives; None, and remembered under the words `what`, when the system has no answer.

        An answer that was cut is a gap, too, unless a `sample` is all that was wanted.
        """
        self.asked += 1
        try:
            found = read()
        except (ToolError, LedgerUnavailable) as error:
            self.gaps.append((what, cut(str(error), _ERROR_LENGTH)))
            return None
        facts = getattr(found, "attrs", {}).get("evidence", {})
        if facts.get("truncated") and not sample:
            self.lacks(f"all of {what}", str(facts.get("note") or "the answer was cut"))
        return found

    def lacks(self, what: str, why: str) -> None:
        """Say that something could not be seen although its system answered."""
        self.asked += 1
        self.gaps.append((what, why))

    def table(self) -> pd.DataFrame:
        return table(("not seen", "why"), self.gaps)


def headline(found: Sequence[str], *, well: str, looked: Looked, known: bool = True) -> str:
    """Markdown: what was found in one line, or that all is well; then what could not be seen.

    Where nothing could be seen, or not what the answer rests on (`known`), it says so: silence is no health.
    """
    if found:
        first = f"**Found.** {told(found, _SAID)}"
    elif looked.blind or not known:
        first = "**Not known.** What the answer rests on could not be seen."
    else:
        first = f"**All is well.** {literal(_sentence(well))}"
        if looked.gaps:
            first = f"**Nothing found**, as far as could be seen. {literal(_sentence(well))}"
    unseen = list(dict.fromkeys(what for what, _ in looked.gaps))
    return f"> {first}" + (f"\n\nNot seen: {literal(', '.join(unseen))}." if unseen else "")


def told(found: Sequence[str], most: int) -> str:
    """Markdown: the first `most` as sentences, and how many there are besides."""
    more = f" And {len(found) - most} more." if len(found) > most else ""
    return literal(" ".join(_sentence(text) for text in found[:most])) + more


def recommendations(rows: Iterable[tuple[str, str, str]]) -> pd.DataFrame:
    """What to do, what it rests on, and the exact command. Nothing here runs it."""
    return table(("recommendation", "evidence", "next step"), dict.fromkeys(rows))


def bars(
    names: Iterable[object], values: Iterable[float], *, title: str, unit: str = "", limit: float = 0
) -> go.Figure:
    """Horizontal bars, the first on top; beyond `limit`, where there is one, they are red."""
    import plotly.graph_objects as go

    shown, sizes = [plain(cut(str(name), 44)) for name in names], [float(value) for value in values]
    suffix = f" {unit}" if unit else ""
    figure = go.Figure(
        go.Bar(
            orientation="h",
            y=list(range(len(shown))),
            x=sizes,
            marker={"color": [BAD if limit and size > limit else PALETTE[0] for size in sizes]},
            text=[f"{size:,.4g}{suffix}" for size in sizes],
            textposition="auto",
            cliponaxis=False,
            hovertemplate="%{text}<extra></extra>",
        )
    )
    figure.update_layout(**layout(title, aside="", top=44, bottom=36))
    figure.update_layout(height=90 + 28 * max(len(shown), 2), bargap=0.3, hovermode="closest", showlegend=False)
    figure.update_yaxes(autorange="reversed", tickvals=list(range(len(shown))), ticktext=shown, showgrid=False)
    figure.update_xaxes(ticksuffix=suffix, rangemode="tozero", nticks=6)
    if limit:
        figure.add_vline(x=limit, line={"color": BAD, "width": 1.5, "dash": "dash"})
    return figure


def _sentence(text: str) -> str:
    plain = " ".join(text.split())
    return plain if plain.endswith((".", "!", "?")) else f"{plain}."
