"""The scoreboard as one page: the bars, the plots, the tables. No script, and nothing is loaded from elsewhere."""

from __future__ import annotations

from collections.abc import Sequence

from autodevops.evaluation.response.course import Course
from autodevops.evaluation.response.figures import Bar, bars, judged_on, reliability
from autodevops.evaluation.response.plots import courses_svg, detection_svg, groups_svg, reliability_svg
from autodevops.evaluation.response.tables import tables, value, verdict
from autodevops.evaluation.tables import Table
from autodevops.kernel.picture import esc
from autodevops.widgets.static_views.markup import DARK, FONT, LIGHT, page

_COLOURS = f"""
:root {{ color-scheme: light dark; {LIGHT}; --good: #0b7a6c }}
@media (prefers-color-scheme: dark) {{ :root {{ {DARK}; --good: #45c7b5 }} }}
body {{ max-width: 60rem; margin: 0 auto; padding: 2rem 1.25rem 4rem; background: var(--bg); color: var(--text); font: 15px/1.5 {FONT} }}
"""  # noqa: E501  # a style sheet
_STYLE = """
h1 { margin: 0; font-size: 1.5rem; letter-spacing: -.01em } h2 { margin: 2.5rem 0 .5rem; font-size: 1.05rem }
p { color: var(--soft); margin: .35rem 0 1rem; max-width: 46rem } figure { margin: 1.75rem 0 0 } svg { display: block; width: 100% }
figure.small svg { max-width: 24rem !important }
dl { display: grid; grid-template-columns: repeat(3, 1fr); gap: 1px; background: var(--line); border: 1px solid var(--line) }
dl div { background: var(--bg); padding: .8rem .9rem; display: flex; flex-direction: column-reverse; justify-content: flex-end }
dt { font-size: .82rem; color: var(--soft); line-height: 1.35 } dd { margin: 0; font-size: 1.55rem; line-height: 1.2; font-variant-numeric: tabular-nums }
dd small { display: block; font-size: .8rem; font-weight: 600 } .met small { color: var(--good) } .not.met small { color: var(--bad) }
.wide { overflow-x: auto } table { border-collapse: collapse; font-size: .82rem; font-variant-numeric: tabular-nums }
th, td { padding: .3rem .9rem .3rem 0; border-bottom: 1px solid var(--line); text-align: left; vertical-align: top }
th { color: var(--soft); font-weight: 500 } summary { cursor: pointer; margin-top: 1.5rem }
summary:focus-visible { outline: 2px solid var(--good); outline-offset: 2px }
@media (max-width: 40rem) { dl { grid-template-columns: 1fr } figure { overflow-x: auto } figure:not(.small) svg { min-width: 40rem } }
"""  # noqa: E501  # a style sheet


def page_of(courses: Sequence[Course], *, listed: Sequence[Course], words: str) -> str:
    """`words`, in which it is said what was run, stand under the title."""
    where, judged = judged_on(courses)
    figures = [detection_svg(courses), groups_svg(courses), courses_svg(listed)]
    inside = [
        f"<p>{esc(words)}</p>",
        f"<h2>Bars, judged on {where}</h2><dl>{''.join(_bar(one) for one in bars(judged))}</dl>",
        *(f"<figure>{figure}</figure>" for figure in figures),
        f'<figure class="small">{reliability_svg(reliability(courses))}</figure>',
        *(_table(one) for one in tables(courses, listed=listed)),
    ]
    return page("How good Scarlet is", _COLOURS + _STYLE, "\n".join(inside))


def _bar(one: Bar) -> str:
    said = verdict(one).lower()
    told = f"<small>{said}{', ' if said else ''}wanted is {esc(one.wanted)}</small>"
    return f'<div class="{said}"><dt>{esc(one.name)}</dt><dd>{esc(value(one))}{told}</dd></div>'


def _table(one: Table) -> str:
    head = "".join(f"<th>{esc(cell)}</th>" for cell in one.head)
    rows = "".join(f"<tr>{''.join(f'<td>{esc(cell)}</td>' for cell in row)}</tr>" for row in one.rows)
    grid = f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>'
    return f"<details open><summary>{esc(one.title)}</summary>{grid}</details>"
