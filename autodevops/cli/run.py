"""`autodevops run`: what runs left behind. Thin; the work is in `runbooks`."""

from __future__ import annotations

import asyncio
import logging
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from autodevops.cli.options import AsJson, parse_since
from autodevops.cli.output import print_json
from autodevops.cli.run_output import deliver, print_comparison, print_hit, print_run, run_json, run_row
from autodevops.kernel.clock import utc_now
from autodevops.kernel.errors import UsageError
from autodevops.kernel.person import person
from autodevops.settings import Settings, load_settings
from autodevops.workbench import Workbench

if TYPE_CHECKING:
    from autodevops.runbooks import RunRecord, RunRequest
    from autodevops.runbooks.storage import Bundles

app = typer.Typer(
    help="What runs left behind: list, show, compare, repeat, search, hand on, clean up.", no_args_is_help=True
)

RunId = Annotated[str, typer.Argument(help="A run's id, or as much of its beginning or end as is needed.")]
Limit = Annotated[int, typer.Option("--limit", help="How many at most.", min=1)]


@app.callback()
def _group() -> None:
    """What runs left behind."""


@app.command("list")
def list_runs(
    runbook: Annotated[str, typer.Option("--runbook", help="Only runs of this runbook.")] = "",
    status: Annotated[str, typer.Option("--status", help="Only runs that ended so, e.g. failed.")] = "",
    since: Annotated[str, typer.Option("--since", help="Only runs since then: 2h, 3d, or a time.")] = "",
    limit: Limit = 50,
    as_json: AsJson = False,
) -> None:
    """Runs, newest first."""
    from itertools import islice

    from autodevops.runbooks.lookup import listed

    _checked_status(status)
    _, bundles = _bundles()
    found = listed(bundles, runbook=runbook, status=status, since=parse_since(since, utc_now()))
    rows = list(islice(found, limit))
    if as_json:
        print_json([run_json(bundles, ref, run, whole=False) for ref, run in rows])
        return
    for _, run in rows:
        typer.echo(run_row(run))
    if not rows:
        typer.secho(f"No such run in {bundles.place}.", err=True, dim=True)
    elif next(found, None) is not None:
        typer.secho("There are more; --limit shows them, --runbook, --status and --since narrow.", err=True, dim=True)


@app.command("show")
def show(run_id: RunId, as_json: AsJson = False) -> None:
    """One run: what was asked, what happened to each cell, what was concluded, and where the files are."""
    from autodevops.runbooks.lookup import find

    _, bundles = _bundles()
    ref, run = find(bundles, run_id)
    if as_json:
        print_json(run_json(bundles, ref, run, whole=True))
    else:
        print_run(bundles, ref, run)


@app.command("diff")
def diff(
    before: RunId,
    after: RunId,
    tolerance: Annotated[
        float, typer.Option("--tolerance", help="By how much of the larger one numbers may differ.", min=0, max=1)
    ] = 0.01,
    as_json: AsJson = False,
) -> None:
    """Compare two runs by parameters, outcome, findings and outputs. Exit status 1 when they differ."""
    from autodevops.runbooks.diff import compare, read_contents
    from autodevops.runbooks.lookup import find

    _, bundles = _bundles()
    first, second = (read_contents(bundles, *find(bundles, one)) for one in (before, after))
    found = compare(first, second, tolerance=tolerance)
    if as_json:
        print_json(found.document())
    else:
        print_comparison(found)
    if not found.same:
        raise typer.Exit(1)


@app.command("rerun")
def rerun(
    run_id: RunId,
    current: Annotated[
        bool, typer.Option("--current", help="Take today's runbook of that name, not the source that ran.")
    ] = False,
    reason: Annotated[str, typer.Option("--reason", help="Why; kept in the new run's manifest.")] = "",
    as_json: AsJson = False,
) -> None:
    """Run again with the same source and parameters. Exit status 1 when the new run does not succeed."""
    from autodevops.runbooks.lookup import find
    from autodevops.runbooks.rerun import rerun_request
    from autodevops.runbooks.sources import catalogue_of
    from autodevops.runbooks.storage import BundleRef

    logging.basicConfig(level=logging.WARNING, format="%(message)s", stream=sys.stderr)
    settings, bundles = _bundles()
    ref, run = find(bundles, run_id)
    catalogue = catalogue_of(settings.scarlet) if current else None
    request = rerun_request(bundles, ref, run, current=catalogue, requested_by=person(), reason=reason)
    record = asyncio.run(_run(request, settings))
    deliver(settings.scarlet)
    made = BundleRef(record.runbook, record.run.id)
    if as_json:
        print_json(run_json(bundles, made, record.run, whole=False))
    else:
        typer.echo(f"{run_row(record.run)}\n{bundles.where(made)}")
        typer.secho(f"autodevops run diff {run.id} {record.run.id}", err=True, dim=True)
    if record.status != "succeeded":
        raise typer.Exit(1)


async def _run(request: RunRequest, settings: Settings) -> RunRecord:
    """In the queue: a rerun does not overlap with runs of the same key either."""
    with Workbench.from_settings(settings) as workbench:
        async with workbench.run_queue(workbench.run_means()) as queue:
            return await queue.run(request)


@app.command("search")
def search_runs(
    text: Annotated[str, typer.Argument(help="A word or phrase; case and spacing do not count.")],
    runbook: Annotated[str, typer.Option("--runbook", help="Only runs of this runbook.")] = "",
    limit: Limit = 20,
    as_json: AsJson = False,
) -> None:
    """Find runs by title, parameters, errors, findings, queries and outputs, newest first."""
    from itertools import islice

    from autodevops.runbooks.search import search

    _, bundles = _bundles()
    refs = [ref for ref in bundles.refs() if not runbook or ref.runbook == runbook]
    found = search(bundles, refs, text)
    hits = list(islice(found, limit))
    if as_json:
        print_json(
            [
                {
                    **run_json(bundles, hit.ref, hit.run, whole=False),
                    "places": [{"where": place.where, "text": place.text} for place in hit.places],
                    "more": hit.more,
                }
                for hit in hits
            ]
        )
        return
    for hit in hits:
        print_hit(hit)
    if not hits:
        typer.secho(f"No run in {bundles.place} says {text!r}.", err=True, dim=True)


@app.command("export")
def export_run(
    run_id: RunId,
    to: Annotated[
        Path, typer.Option("--to", help="File to write: .zip or .tar.gz for all, .html the page, .ipynb the notebook.")
    ],
) -> None:
    """Write a run as one file to hand on; the same run gives the same bytes."""
    from autodevops.runbooks.export import export
    from autodevops.runbooks.files import write_atomically
    from autodevops.runbooks.lookup import find

    if to.exists():
        raise UsageError(f"{to} exists already.", "Choose another name, or remove it first.")
    _, bundles = _bundles()
    content = export(bundles, *find(bundles, run_id), to.name)
    write_atomically(to.absolute(), content)
    typer.echo(f"{to}  {len(content):,} bytes")


@app.command("gc")
def collect_garbage(
    yes: Annotated[bool, typer.Option("--yes", help="Delete them. Without it they are only named.")] = False,
    as_json: AsJson = False,
) -> None:
    """Name, or delete, the runs that were kept as long as `[scarlet] keep_...` says. A running one never goes."""
    from autodevops.runbooks.lookup import listed
    from autodevops.runbooks.retention import Retention, judge, remove
    from autodevops.runbooks.storage import FolderBundles

    settings, bundles = _bundles()
    policy = Retention(
        settings.scarlet.keep_days,
        settings.scarlet.keep_failed_days,
        settings.scarlet.keep_incident_days,
        settings.scarlet.keep_last,
    )
    judged = list(judge(listed(bundles), policy, utc_now()))
    going = [one for one in judged if not one.keep]
    if yes:
        with Workbench.from_settings(settings) as workbench:
            for one in going:
                remove(bundles, one, ledger=workbench.ledger, actor=person(), clock=utc_now)
        FolderBundles(settings.scarlet.artifacts_folder).sweep()
    if as_json:
        rows = [
            {"id": one.run.id, "runbook": one.run.runbook, "status": one.run.status, "why": one.why} for one in going
        ]
        print_json({"deleted": yes, "runs": rows, "kept": len(judged) - len(going)})
        return
    for one in going:
        typer.echo(f"{run_row(one.run)}  {one.why}")
    verb = "deleted" if yes else "would go; --yes deletes them"
    typer.secho(f"{len(going)} of {len(judged)} runs {verb}.", err=True, dim=True)


def _bundles() -> tuple[Settings, Bundles]:
    from autodevops.runbooks.storage_remote import open_bundles

    settings = load_settings()
    return settings, open_bundles(settings.scarlet.artifacts, settings.scarlet.staging)


def _checked_status(status: str) -> None:
    from typing import get_args

    from autodevops.domain.run import RunStatus

    if status and status not in get_args(RunStatus):
        raise UsageError(f"--status {status!r} is none that a run has.", f"Known: {', '.join(get_args(RunStatus))}.")
