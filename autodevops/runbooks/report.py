"""The static page of a bundle: one file that asks no host for anything.

Plotly.js is in it once when there is a chart. A content security policy with the digests of the page's own scripts lets
nothing else run and nothing be loaded or sent, should sanitising ever miss something.
"""

from __future__ import annotations

import base64
import hashlib
import logging
from collections.abc import Iterator
from html import escape
from importlib import resources
from typing import Any

from autodevops.domain.run import CellRun, Run
from autodevops.runbooks import outputs
from autodevops.runbooks.report_record import footer_of
from autodevops.runbooks.texts import cut

log = logging.getLogger(__name__)

MAXIMUM_BYTES = 6_000_000
_TEXT = 600  # characters of a reason or parameter
_TONES = {"succeeded": "good", "running": "warn", "stopped_early": "warn", "cancelled": "warn", "interrupted": "warn"}
_ROLLBACKS = {"": "", "succeeded": " It was rolled back.", "not_run": " It was not rolled back."}
_PLOTLY_SERVER = "https://cloud.plotly.com/newchart"  # where the library uploads charts unless told otherwise


def report(run: Run, notebook: Any | None) -> bytes:
    """The page. A notebook that cannot be shown gives a page that says so: the record of a run is kept in any case."""
    try:
        page = _page(run, list(_cells(run, notebook)) if notebook is not None else [], _wants_charts(notebook))
    except Exception as error:
        log.exception("The report of run %s could not be made", run.id)
        note = (
            f"<p>This page could not be made from the notebook: {escape(type(error).__name__)}. See notebook.ipynb.</p>"
        )
        page = _page(run, [note], charts=False)
    return page.encode()


def _page(run: Run, parts: list[str], charts: bool) -> str:
    scripts = [_plotly(), _asset("report.js")] if charts else []
    style = _asset("report.css")
    header, footer = _header(run), footer_of(run)
    budget = MAXIMUM_BYTES - sum(len(text.encode()) for text in (*scripts, style, header, footer)) - 10_000
    body = "\n".join(_within(parts, budget))
    hashes = " ".join(f"'sha256-{_hash(script)}'" for script in scripts) or "'none'"
    policy = (
        f"default-src 'none'; script-src {hashes}; style-src 'unsafe-inline'; img-src data: blob:;"
        " base-uri 'none'; form-action 'none'"
    )
    title = f"{run.title} · {run.started_at:%Y-%m-%d %H:%M} UTC"
    return "\n".join(
        [
            "<!doctype html>",
            '<html lang="en">',
            "<head>",
            '<meta charset="utf-8">',
            f'<meta http-equiv="Content-Security-Policy" content="{policy}">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            '<meta name="referrer" content="no-referrer">',
            f"<title>{escape(title)}</title>",
            f"<style>{style}{_page_foot(title)}</style>",
            "</head>",
            "<body>",
            "<main>",
            header,
            body,
            footer,
            "</main>",
            *(f"<script>{script}</script>" for script in scripts),
            "</body>",
            "</html>",
            "",
        ]
    )


def _page_foot(title: str) -> str:
    """What stands below each page that is printed, as a string of CSS in a style element."""
    words = "".join(char if char.isalnum() or char in " ·:-" else f"\\{ord(char):x} " for char in cut(title, 90))
    return f'@page {{ @bottom-left {{ content: "{words}"; font: 9pt system-ui, sans-serif; color: #586374; }} }}'


def _header(run: Run) -> str:
    facts = [f"<span>started <b>{run.started_at:%Y-%m-%d %H:%M:%S} UTC</b></span>"]
    if run.finished_at is not None:
        facts.append(f"<span>took <b>{(run.finished_at - run.started_at).total_seconds():.1f} s</b></span>")
    asked = f"{run.trigger}, by {run.requested_by}" if run.requested_by else run.trigger
    facts.append(f"<span>trigger <b>{escape(asked)}</b></span>")
    if run.rerun_of:
        facts.append(f"<span>repeats <b>{escape(run.rerun_of)}</b></span>")
    status = f'<span class="status {_TONES.get(run.status, "bad")}">{run.status.replace("_", " ")}</span>'
    why = f"<p class=why>{escape(cut(run.reason, _TEXT))}</p>" if run.reason else ""
    title = f"<h1>{escape(run.title)} {status}</h1>"
    return (
        f"<header class=run>{title}{why}<p class=facts>{''.join(facts)}</p>{_parameters(run)}</header>{_problem(run)}"
    )


def _parameters(run: Run) -> str:
    if not run.parameters:
        return ""
    rows = (
        f"<div><dt>{escape(name)}</dt><dd>{escape(cut(str(value), _TEXT)) or '<i>empty</i>'}</dd></div>"
        for name, value in run.parameters.items()
    )
    return f"<dl class=parameters>{''.join(rows)}</dl>"


def _problem(run: Run) -> str:
    if run.error is None:
        return ""
    tone = "warn" if _TONES.get(run.status) else ""
    where = f" In cell {run.error.cell + 1}." if run.error.cell is not None else ""
    undone = _ROLLBACKS.get(run.rollback, f" <b>The rollback ended as {run.rollback.replace('_', ' ')}.</b>")
    words = f"<b>{escape(run.error.kind)}</b>: {escape(run.error.message)}.{where}{undone}"
    return f'<div class="problem {tone}"><p>{words}</p></div>'


def _cells(run: Run, notebook: Any) -> Iterator[str]:
    states = {cell.index: cell for cell in run.cells}
    yielded_title = False
    for index, cell in enumerate(notebook.cells):
        if cell.cell_type == "markdown":
            text = str(cell.source)
            if not yielded_title and text.lstrip().startswith("# "):
                # The page has the title already.
                text = text.lstrip().partition("\n")[2]
            yielded_title = True
            yield outputs.markdown(text)
        elif cell.cell_type == "code":
            for item in cell.outputs:
                yield outputs.output(item)
            yield _source(cell, states.get(index))


def _source(cell: Any, state: CellRun | None) -> str:
    label = "Code" if "injected-parameters" not in cell.metadata.get("tags", []) else "Parameters of this run"
    if state is not None and state.status != "succeeded":
        label += f" <span class=mark>{state.status.replace('_', ' ')}</span>"
    return f"<details class=source><summary>{label}</summary>{outputs.code(str(cell.source))}</details>"


def _within(parts: list[str], budget: int) -> Iterator[str]:
    """The parts in order, those that no longer fit replaced by a word about them."""
    for part in parts:
        size = len(part.encode())
        if size <= budget:
            budget -= size
            yield part
        else:
            yield f"<p><em>An output of {size / 1e6:.1f} MB is left out of this page; notebook.ipynb has it.</em></p>"


def _wants_charts(notebook: Any | None) -> bool:
    return notebook is not None and any(
        outputs.has_chart(item) for cell in notebook.cells for item in cell.get("outputs", ())
    )


def _plotly() -> str:
    from plotly.offline import get_plotlyjs

    return str(get_plotlyjs()).replace(_PLOTLY_SERVER, "")


def _asset(name: str) -> str:
    return resources.files("autodevops.runbooks").joinpath("assets", name).read_text(encoding="utf-8")


def _hash(script: str) -> str:
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
