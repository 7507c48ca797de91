"""How runs, comparisons and hits look in a terminal and as JSON."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any

import typer

from autodevops.domain.base import Json
from autodevops.domain.run import Run

if TYPE_CHECKING:
    from autodevops.runbooks.diff import Comparison, Difference
    from autodevops.runbooks.search import Hit
    from autodevops.runbooks.storage import BundleRef, Bundles
    from autodevops.settings import ScarletSettings

_COLOURS = {"succeeded": "green", "running": "blue", "stopped_early": "yellow", "cancelled": "yellow"}
_SIGNS = {"appeared": ("+", "green"), "went": ("-", "red"), "changed": ("~", "yellow")}
_EVIDENCE_SHOWN = 10


def run_json(bundles: Bundles, ref: BundleRef, run: Run, *, whole: bool) -> dict[str, Any]:
    """The manifest, or its head, with where the bundle is."""
    head = {"id", "runbook", "title", "status", "trigger", "requested_by", "reason", "parameters", "started_at"}
    document = run.model_dump(mode="json", include=None if whole else head | {"finished_at", "error", "rerun_of"})
    return {**document, "where": bundles.where(ref)}


def run_row(run: Run) -> str:
    took = f"{(run.finished_at - run.started_at).total_seconds():.1f} s" if run.finished_at else ""
    verdict = ", ".join(found.verdict for found in run.investigations)
    status = typer.style(f"{run.status:<13}", fg=_COLOURS.get(run.status, "red"))
    return f"{run.id}  {status}  {run.runbook}  {took:>8}  {verdict}".rstrip()


def print_run(bundles: Bundles, ref: BundleRef, run: Run) -> None:
    typer.echo(f"{typer.style(run.title, bold=True)}  {typer.style(run.status, fg=_COLOURS.get(run.status, 'red'))}")
    for name, value in _facts(run):
        typer.echo(f"  {name:<12}{value}")
    if run.error is not None:
        where = f" in cell {run.error.cell + 1}" if run.error.cell is not None else ""
        typer.secho(f"  {'error':<12}{run.error.kind}{where}: {run.error.message}", fg="red")
    for found in run.investigations:
        typer.echo(f"\n{found.verdict.upper()}  {found.summary}")
        for rank, cause in enumerate(found.causes, start=1):
            typer.echo(f"  {rank}. {cause.confidence:.0%}  {cause.reason}  {cause.subject}")
    if run.cells:
        typer.echo("\nCells")
    for cell in run.cells:
        took = f"{cell.duration_seconds:.2f} s" if cell.duration_seconds is not None else ""
        typer.echo(f"  {cell.index + 1:>3}  {cell.status:<13}  {took:>9}  {cell.error}".rstrip())
    if run.evidence:
        typer.echo(f"\nEvidence ({len(run.evidence)})")
    for item in run.evidence[:_EVIDENCE_SHOWN]:
        query = " ".join(item.query.split())
        typer.echo(f"  {item.id}  {item.tool}  {query[:100]}")
    if len(run.evidence) > _EVIDENCE_SHOWN:
        typer.secho(f"  and {len(run.evidence) - _EVIDENCE_SHOWN} more; --json lists them all", dim=True)
    if run.left_out:
        typer.secho(f"  left out: {run.left_out}", fg="yellow")
    typer.echo(f"\nFiles in {bundles.where(ref)}")
    folders = Counter(name.partition("/")[0] for name in run.files if "/" in name)
    for name in run.files:
        if "/" not in name:
            typer.echo(f"  {name:<16}{_size(run.sizes.get(name))}")
    for name, count in folders.items():
        size = sum(run.sizes.get(file, 0) for file in run.files if file.startswith(f"{name}/"))
        typer.echo(f"  {name + '/':<16}{_size(size)}, {count} files")


def print_comparison(found: Comparison) -> None:
    from itertools import groupby

    if found.same:
        typer.echo("The two runs show the same.")
    evidence = [one for one in found.differences if one.part == "evidence"]
    others = [one for one in found.differences if one.part != "evidence"]
    for where, group in groupby(others, key=lambda one: one.where or one.part):
        typer.secho(where, bold=True)
        for one in group:
            _print_difference(one)
    if evidence or found.same_answers:
        counts = Counter[str](one.change for one in evidence)
        said = [f"{found.same_answers} answered alike", f"{counts['changed']} differently"]
        said += [f"{counts[kind]} only {when}" for kind, when in (("went", "before"), ("appeared", "after"))]
        typer.secho("queries", bold=True)
        typer.echo(f"  {', '.join(said)}; --json names them")


def deliver(scarlet: ScarletSettings) -> None:
    """Send what has ended to where bundles belong, when that is somewhere else; problems go to stderr."""
    from autodevops.runbooks.storage_remote import deliver_finished

    for problem in deliver_finished(scarlet.artifacts, scarlet.staging):
        typer.secho(problem, err=True, fg="red")


def print_hit(hit: Hit) -> None:
    typer.echo(run_row(hit.run))
    for place in hit.places:
        typer.echo(f"    {typer.style(place.where, dim=True)}  {place.text}")
    if hit.more:
        typer.secho(f"    and {hit.more} places more", dim=True)


def _print_difference(one: Difference) -> None:
    sign, colour = _SIGNS[one.change]
    share = f"  ({one.relative:+.1%})" if one.relative is not None else ""
    typer.secho(f"  {sign} ", fg=colour, nl=False)
    if one.part == "text" and one.change == "changed":
        typer.echo(one.what)
        for mark, lines in (("-", one.before), ("+", one.after)):
            for line in str(lines or "").splitlines():
                typer.echo(f"      {mark} {line}")
        return
    if one.part == "table" and one.change != "changed" and (row := one.before or one.after):
        typer.echo(str(row))
        return
    values = [_said(value) for value in (one.before, one.after)]
    change = f": {values[0]} → {values[1]}{share}" if one.change == "changed" else f": {values[0] or values[1]}"
    typer.echo(f"{one.what}{change if any(values) else ''}".lstrip(": "))


def _facts(run: Run) -> list[tuple[str, str]]:
    end = run.ended_at
    facts = [
        ("id", run.id),
        ("runbook", f"{run.runbook}  {run.source_digest[:19]}{_commit(run)}"),
        ("trigger", f"{run.trigger}, by {run.requested_by}" if run.requested_by else run.trigger),
        ("reason", run.reason),
        ("rerun of", run.rerun_of),
        ("started", f"{run.started_at:%Y-%m-%d %H:%M:%S} UTC"),
        ("ended", f"{end:%Y-%m-%d %H:%M:%S} UTC{'' if run.finished_at else ' at the latest'}" if end else ""),
        ("parameters", ", ".join(f"{name}={json.dumps(value)}" for name, value in run.parameters.items())),
    ]
    return [(name, value) for name, value in facts if value]


def _commit(run: Run) -> str:
    state = run.runbook_code
    return f"  commit {state.commit[:12]}{', changed since' if state.dirty else ''}" if state.commit else ""


def _said(value: Json) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.4g}"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _size(size: int | None) -> str:
    if size is None:
        return ""
    return f"{size / 1e6:.1f} MB" if size >= 1e6 else f"{size / 1e3:.1f} kB"
