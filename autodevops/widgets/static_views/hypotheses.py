"""Ranked causes as HTML: each with its confidence, what speaks for it, what against, and why it is before the next."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any

from autodevops.domain.hypothesis import Claim, Hypothesis
from autodevops.domain.investigation import Investigation
from autodevops.kernel.picture import element, esc
from autodevops.widgets.static_views.markup import PALETTE, scoped

_MOST = 10
_STYLE = (
    ".adt{padding:12px 14px;border:1px solid var(--line);border-radius:8px}"
    ".adt details{border-top:1px solid var(--line);padding:6px 0}.adt summary{cursor:pointer}"
    ".adt .two{display:flex;flex-wrap:wrap;gap:4px 28px;padding:4px 0 4px 18px}.adt .two>div{flex:1 1 240px}"
    ".adt ul{margin:2px 0 6px;padding-left:18px}.adt .soft{color:var(--soft)}.adt .e{font-size:11px;color:var(--soft)}"
    ".adt .meter{display:inline-block;width:52px;height:5px;border-radius:3px;background:var(--line)}"
    ".adt .meter span{display:block;height:5px;border-radius:3px;background:var(--accent)}"
)


def hypotheses_html(investigation: Investigation) -> str:
    """An HTML fragment; the first cause is open, the others open on a click without any script."""
    shown = investigation.hypotheses[:_MOST]
    rows = [_cause(place, one, shown[place + 1 : place + 2]) for place, one in enumerate(shown)]
    more = len(investigation.hypotheses) - len(shown)
    return element(
        "div",
        {"class": "adt adt-causes"},
        element("style", {}, PALETTE, scoped(_STYLE, "causes")),
        element("strong", {}, "Ranked causes"),
        *(rows or [f'<p class="soft">{esc(investigation.summary)}</p>']),
        f'<p class="soft">and {more} more</p>' if more > 0 else "",
    )


def ahead(first: Hypothesis, following: Hypothesis) -> list[str]:
    """Why a cause stands before the next, from what was weighed."""
    known = {ev for claim in following.supports for ev in claim.evidence}
    alone = sum(not set(claim.evidence) <= known for claim in first.supports)
    rival = following.summary.removesuffix(".")
    reasons = [f"{_percent(first.confidence)} against {_percent(following.confidence)} for “{rival}”."]
    if alone:
        reasons.append(
            f"{alone} of its {len(first.supports)} supporting claims rest on evidence the next one does not have."
        )
    if len(following.contradicts) > len(first.contradicts):
        against = " ".join(claim.text for claim in following.contradicts)
        reasons.append(f"More speaks against the next: {against}")
    elif not following.contradicts and not first.contradicts:
        reasons.append("Nothing seen speaks against either.")
    return reasons


def wire_hypotheses(investigation: Investigation) -> list[dict[str, Any]]:
    """The ranked causes as the page gets them, each but the last with why it is `ahead` of the next."""
    causes = investigation.hypotheses
    wires = [cause.model_dump(mode="json") for cause in causes]
    for wire, (first, following) in zip(wires, pairwise(causes), strict=False):
        wire["ahead"] = ahead(first, following)
    return wires


def _cause(number: int, one: Hypothesis, following: Sequence[Hypothesis]) -> str:
    meter = f'<span class="meter"><span style="width:{round(one.confidence * 100)}%"></span></span>'
    balance = f"{len(one.supports)} for · {len(one.contradicts)} against"
    before = [_column("Why it is ahead of the next", map(esc, ahead(one, rival))) for rival in following]
    return element(
        "details",
        {"open": "open" if number == 0 else None},
        element(
            "summary",
            {},
            f"{number + 1}. {esc(one.summary)} ",
            f'<span class="soft">{balance}</span> {meter} <span class="soft">{_percent(one.confidence)}</span>',
        ),
        f'<div class="soft" style="padding-left:18px">{esc(one.reason)} · {esc(one.subject)}</div>',
        element(
            "div",
            {"class": "two"},
            _column("For", map(_claim, one.supports)),
            _column("Against", map(_claim, one.contradicts)),
            *before,
        ),
    )


def _column(title: str, items: Iterable[str]) -> str:
    rows = "".join(f"<li>{item}</li>" for item in items)
    listed = f"<ul>{rows}</ul>" if rows else '<p class="soft">Nothing seen.</p>'
    return f"<div><b>{title}</b>{listed}</div>"


def _claim(claim: Claim) -> str:
    return f'{esc(claim.text)} <span class="e">{esc(", ".join(claim.evidence))}</span>'


def _percent(value: float) -> str:
    return f"{round(value * 100)} %"
