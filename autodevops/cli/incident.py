"""`autodevops incident`: what is or was responded to. Thin; the records are in `stores.incidents`."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Annotated, Any

import typer

from autodevops.cli.options import AsJson, End, Namespace, Window, parse_end, parse_since, parse_window
from autodevops.cli.output import print_json, require_sight
from autodevops.domain.incident import Detection, Incident, Resolution, incident_of
from autodevops.domain.investigation import Investigation
from autodevops.domain.signal import IncidentSeverity
from autodevops.domain.window import TimeWindow
from autodevops.kernel.clock import utc_now
from autodevops.kernel.errors import UsageError
from autodevops.kernel.ids import time_sortable_id
from autodevops.kernel.person import person
from autodevops.settings import load_settings
from autodevops.stores import incidents
from autodevops.workbench import Workbench

app = typer.Typer(help="Incidents: opened with their investigation, noted on, resolved.", no_args_is_help=True)

IncidentId = Annotated[
    str, typer.Argument(metavar="INCIDENT", help="Its id, or as much of its beginning or end as is needed; or `last`.")
]


@app.command("open")
def open_one(
    namespace: Namespace = "",
    window: Window = None,
    end: End = "",
    run: Annotated[str, typer.Option("--run", help="Take the investigation of this run instead of a new one.")] = "",
    severity: Annotated[IncidentSeverity, typer.Option("--severity", help="How bad it is.")] = "major",
    title: Annotated[str, typer.Option("--title", help="Default: what the investigation says in one sentence.")] = "",
    as_json: AsJson = False,
) -> None:
    """Open an incident: a namespace is investigated over a window, or a run has done so; both are kept with it."""
    if run and (namespace or window or end):
        raise UsageError("--run has its own namespace and window.", "Leave --namespace, --window and --end away.")
    with Workbench.from_settings(load_settings()) as workbench:
        found, run_id = (
            _of_run(run) if run else (asyncio.run(_investigated(namespace, parse_window(window), parse_end(end))), "")
        )
        now = utc_now()
        incident = incident_of(
            found,
            incident_id=f"inc-{time_sortable_id(now)}",
            now=now,
            severity=severity,
            title=title,
            run=run_id,
        )
        incidents.open_incident(workbench.ledger, incident, actor=person())
    _show(incident, as_json=as_json)


@app.command("add")
def add(
    title: Annotated[str, typer.Argument(help="What was wrong, in one sentence.")],
    namespace: Namespace = "",
    began: Annotated[str, typer.Option("--began", help="When, as RFC 3339, or so long ago: 2h. Default: now.")] = "",
    over: Annotated[str, typer.Option("--over", help="When it was over, in the same way. Default: it is not.")] = "",
    severity: Annotated[IncidentSeverity, typer.Option("--severity", help="How bad it is.")] = "major",
    as_json: AsJson = False,
) -> None:
    """Add an incident that a person found, without an investigation; it counts as detected when it began.

    One that Scarlet had not noticed is a miss of hers, as is one that a person opened with `open`.
    """
    now, who = utc_now(), person()
    start, end = parse_since(began, now, "--began") or now, parse_since(over, now, "--over")
    if not title.strip():
        raise UsageError("The title is empty.", "Say in one sentence what was wrong.")
    if start > now or (end is not None and not start <= end <= now):
        raise UsageError("An incident begins, ends, and is added then, in this order.", "Correct --began or --over.")
    settings = load_settings()
    made = Incident(
        id=f"inc-{time_sortable_id(now)}",
        title=title.strip(),
        namespace=namespace or settings.investigation.namespace or "default",
        window=TimeWindow(start=start - timedelta(hours=1), end=end or now),
        severity=severity,
        opened_at=now,
        detection=Detection(at=start, by="person"),
        resolution=Resolution(at=end, words="") if end else None,
    )
    with Workbench.from_settings(settings) as workbench:
        incidents.open_incident(workbench.ledger, made, actor=who)
    _show(made, as_json=as_json)


@app.command("list")
def list_all(as_json: AsJson = False) -> None:
    """Incidents, newest first."""
    with Workbench.from_settings(load_settings()) as workbench:
        rows = incidents.all_incidents(workbench.ledger, investigations=False)[::-1]
    if as_json:
        print_json([_document(one) for one in rows])
        return
    for one in rows:
        typer.echo(f"{one.id}  {one.state:<8}  {one.severity:<8}  {one.namespace or '-':<12}  {one.title}")
    if not rows:
        typer.secho("There is no incident. `autodevops incident open` opens one.", err=True, dim=True)


@app.command("show")
def show(incident: IncidentId, as_json: AsJson = False) -> None:
    """One incident, with what was noted."""
    with Workbench.from_settings(load_settings()) as workbench:
        _show(incidents.find_incident(workbench.ledger, incident), as_json=as_json)


@app.command("note")
def note(
    incident: IncidentId, text: Annotated[str, typer.Argument(help="What was seen or done.")], as_json: AsJson = False
) -> None:
    """Add a line to an incident's timeline."""
    with Workbench.from_settings(load_settings()) as workbench:
        found = incidents.find_incident(workbench.ledger, incident)
        noted = incidents.note_incident(workbench.ledger, found.id, text, now=utc_now(), actor=person())
    _show(noted, as_json=as_json)


@app.command("resolve")
def resolve(
    incident: IncidentId,
    words: Annotated[str, typer.Argument(help="What ended it.")] = "",
    at: Annotated[str, typer.Option("--at", help="When it was over, as RFC 3339. Default: now.")] = "",
    as_json: AsJson = False,
) -> None:
    """Say that an incident is over."""
    now = utc_now()
    moment = parse_end(at, "--at") or now
    if moment > now:
        raise UsageError(f"--at {at} is still to come.", "Give a time that has been.")
    with Workbench.from_settings(load_settings()) as workbench:
        found = incidents.find_incident(workbench.ledger, incident)
        resolved = incidents.resolve_incident(workbench.ledger, found.id, words, at=moment, now=now, actor=person())
    _show(resolved, as_json=as_json)


async def _investigated(namespace: str, minutes: int | None, end: Any) -> Investigation:
    async with Workbench.from_settings(load_settings()) as workbench:
        span = workbench.window(minutes=minutes, end=end)
        found = await workbench.investigate(namespace=namespace, window=span)
    require_sight(found)
    return found


def _of_run(name: str) -> tuple[Investigation, str]:
    """Raises UsageError when the run made none."""
    from autodevops.runbooks.evidence import read_investigation
    from autodevops.runbooks.lookup import find
    from autodevops.runbooks.storage_remote import open_bundles

    settings = load_settings().scarlet
    bundles = open_bundles(settings.artifacts, settings.staging)
    ref, run = find(bundles, name)
    if not run.investigations:
        raise UsageError(
            f"Run {run.id} of {run.runbook} made no investigation.", "`autodevops run show` says what it did."
        )
    return read_investigation(bundles.read(ref, run.investigations[0].file)), run.id


def _document(incident: Incident) -> dict[str, Any]:
    return {"state": incident.state, **incident.model_dump(mode="json", exclude={"investigation"})}


def _show(incident: Incident, *, as_json: bool) -> None:
    if as_json:
        print_json(_document(incident))
        return
    typer.secho(f"{incident.id}  {incident.title}", bold=True)
    phase = f" ({incident.phase})" if incident.phase not in (None, "closed") else ""
    typer.echo(f"  {incident.state}{phase}, {incident.severity}, {incident.place}")
    typer.echo(f"  detected {incident.detection.at:%Y-%m-%d %H:%M:%S} UTC by {incident.detection.by}")
    if cause := incident.cause:
        typer.echo(f"  cause    {cause.reason} of {cause.subject}, {cause.confidence:.0%} sure")
    if incident.trigger:
        typer.echo(f"  trigger  {incident.trigger}")
    if incident.impact:
        typer.echo(f"  impact   {incident.impact}")
    for signal in incident.signals:
        typer.echo(f"  {signal.since:%Y-%m-%d %H:%M:%S} UTC  {signal.source} {signal.name}: {signal.words}")
    for operation in incident.operations:
        typer.echo(f"  action   `autodevops act show {operation}`")
    for bundle in incident.bundles:
        typer.echo(f"  notebook `autodevops run show {bundle}`")
    for line in incident.timeline:
        typer.echo(f"  {line.at:%Y-%m-%d %H:%M:%S} UTC  {line.by}: {line.text}")
    if incident.resolution:
        typer.echo(f"  resolved {incident.resolution.at:%Y-%m-%d %H:%M:%S} UTC  {incident.resolution.words}".rstrip())
