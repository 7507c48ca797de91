"""The end of a bundle's page: what the run was made of, folded up. Findings, queries with their answers, cells, code.

Links lead to files beside the page, so they work where the bundle lies as a whole.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from autodevops.domain.kept import CodeState, Judgement, KeptEvidence
from autodevops.domain.run import CellRun, Run
from autodevops.runbooks.texts import cut

_ROWS = 300  # of a list; the manifest has all
_TEXT = 400  # characters of a query or sentence
_TONES = {"critical": "bad", "error": "bad", "warning": "warn"}


def footer_of(run: Run) -> str:
    findings = [finding for found in run.investigations for finding in found.findings]
    parts = [
        _folded("Findings", len(findings), _FINDINGS, (_finding(one) for one in findings[:_ROWS])),
        _folded(
            "Queries and their answers", len(run.evidence), _QUERIES, (_query(run, one) for one in run.evidence[:_ROWS])
        ),
        _folded("Cells", len(run.cells), _CELLS, (_cell(one) for one in run.cells[:_ROWS])),
    ]
    note = f"<p>Left out: {escape(run.left_out)}.</p>" if run.left_out else ""
    return f"<footer><h2>Record</h2>{''.join(parts)}{note}{_code(run)}</footer>"


_FINDINGS = ("Severity", "Finding", "Subject", "Confidence")
_QUERIES = ("Query", "Answer")
_CELLS = ("Cell", "Status", "Took", "Error")


def _folded(title: str, count: int, head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    if not count:
        return ""
    cells = "".join(f"<tr>{''.join(f'<td>{field}</td>' for field in row)}</tr>" for row in rows)
    names = "".join(f"<th>{name}</th>" for name in head)
    rest = f"<p>{count - _ROWS} more stand in manifest.json.</p>" if count > _ROWS else ""
    table = f"<div class=html><table><thead><tr>{names}</tr></thead><tbody>{cells}</tbody></table></div>"
    return f"<details><summary>{title} <span class=count>{count}</span></summary>{table}{rest}</details>"


def _finding(one: Judgement) -> Sequence[str]:
    severity = f'<span class="tone {_TONES.get(one.severity, "")}">{escape(one.severity)}</span>'
    said = f"<b>{escape(one.reason)}</b> <code>{escape(one.rule_id)}</code><br>{escape(cut(one.message, _TEXT))}"
    return severity, said, escape(one.subject), f"{one.confidence:.0%}"


def _query(run: Run, one: KeptEvidence) -> Sequence[str]:
    window = f"<br>{one.window.start:%Y-%m-%d %H:%M:%S} to {one.window.end:%H:%M:%S} UTC" if one.window else ""
    asked = f"<b>{escape(one.tool)}</b> <code>{escape(one.id)}</code><br><code>{escape(cut(one.query, _TEXT))}</code>"
    return asked + window, _answer(run, one)


def _answer(run: Run, one: KeptEvidence) -> str:
    digest = f"<br><code>{escape(one.digest[:19])}</code>"
    if one.error:
        return f"<span class=tone>{escape(cut(one.error, _TEXT))}</span>"
    if not one.file:
        return f"not kept: {escape(cut(one.left_out, _TEXT))}{digest}"
    size = f"{run.sizes[one.file] / 1e3:.1f} kB" if one.file in run.sizes else ""
    rows = f"{one.rows} rows" if one.rows is not None else ""
    kind = one.file.rpartition(".")[2]
    said = ", ".join(part for part in (rows, size, "cut by its system" if one.truncated else "") if part)
    return f'<a href="{escape(one.file)}">{kind}</a>{f" ({said})" if said else ""}{digest}'


def _cell(one: CellRun) -> Sequence[str]:
    took = "" if one.duration_seconds is None else f"{one.duration_seconds:.2f} s"
    return str(one.index + 1), one.status.replace("_", " "), took, escape(cut(one.error, _TEXT))


def _code(run: Run) -> str:
    versions = " · ".join(f"{escape(name)} {escape(version)}" for name, version in run.versions.items())
    language = escape(str(run.kernel.get("language", "")))
    kernel = f", {language}" if language else ""
    image = f", image <code>{escape(run.image)}</code>" if run.image else ""
    source = f"<code>{escape(run.source_digest[:19])}</code>{_commit(run.runbook_code)}"
    return (
        f"<p>Run <code>{escape(run.id)}</code> of runbook <code>{escape(run.runbook)}</code>, {source}{kernel}{image}. "
        f"{versions}{_commit(run.package_code)}.</p>"
        "<p>The executed notebook, the runbook as it ran, and the manifest with all digests lie beside this page.</p>"
    )


def _commit(state: CodeState) -> str:
    if not state.commit:
        return ""
    return f", commit <code>{escape(state.commit[:12])}</code>{' with changes' if state.dirty else ''}"
