"""`autodevops schedule`: what runs when, what became of it, and how to hold it or start it by hand."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from autodevops.cli.options import AsJson, parse_end, parse_since
from autodevops.cli.output import print_json
from autodevops.domain.run import GOOD
from autodevops.kernel.clock import utc_now
from autodevops.kernel.errors import AutoDevOpsError, UsageError
from autodevops.kernel.person import person
from autodevops.settings import Settings, load_settings
from autodevops.workbench import Workbench

if TYPE_CHECKING:
    from autodevops.runbooks.bundle import RunRecord
    from autodevops.scarlet.schedules.book import Book, State
    from autodevops.scarlet.schedules.schedule import Schedule

app = typer.Typer(help="Schedules: which runbook runs when.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="The schedule: its file's name without .yaml.")]


@app.command("list")
def list_(as_json: AsJson = False) -> None:
    """Show every schedule with its next slot, and how its last run ended."""
    from autodevops.scarlet.schedules.slots import upcoming

    settings, now = load_settings(), utc_now()
    schedules = _schedules(settings)
    rows = []
    with Workbench.from_settings(settings) as workbench:
        book = _book(workbench)
        for schedule in schedules:
            state = book.state(schedule.name)
            coming = next(upcoming(schedule, now), None) if schedule.enabled else None
            rows.append(
                {
                    "name": schedule.name,
                    "runbook": schedule.runbook,
                    "rhythm": schedule.rhythm,
                    "runs": len(schedule.cells),
                    "state": _state(schedule, state, now),
                    "next": coming.due.isoformat() if coming else None,
                    "last": state.last if state else "",
                    "last_run": state.last_run if state else "",
                }
            )
    if as_json:
        print_json(rows)
        return
    table = Table("schedule", "runbook", "when", "state", "next", "last", box=None, pad_edge=False)
    for row, schedule in zip(rows, schedules, strict=True):
        due = datetime.fromisoformat(str(row["next"])) if row["next"] else None
        table.add_row(
            schedule.name,
            schedule.runbook,
            schedule.rhythm,
            str(row["state"]),
            _local(due, schedule) if due else "-",
            str(row["last"]) or "-",
        )
    Console().print(table)


@app.command("next")
def next_(
    name: Annotated[str, typer.Argument(help="Only this schedule.")] = "",
    hours: Annotated[int, typer.Option(min=1, max=24 * 366, help="How far to look ahead.")] = 24,
    last: Annotated[int, typer.Option("--last", "-n", min=1, help="At most so many.")] = 50,
    as_json: AsJson = False,
) -> None:
    """Show the slots to come, in order, with those that a blackout or a pause will leave out."""
    from autodevops.scarlet.schedules.diary import calendar

    settings, now = load_settings(), utc_now()
    schedules = [one for one in _chosen(_schedules(settings), name) if one.enabled]
    found = calendar(schedules, now, now + timedelta(hours=hours), most=last)[:last]
    with Workbench.from_settings(settings) as workbench:
        book = _book(workbench)
        states = {schedule.name: book.state(schedule.name) for schedule in schedules}
    shown = []
    for planned in found:
        state = states[planned.schedule]
        paused = state is not None and state.paused(planned.due)
        shown.append(planned.model_copy(update={"why_not": planned.why_not or ("paused" if paused else "")}))
    if as_json:
        print_json([planned.model_dump(mode="json") for planned in shown])
        return
    if not shown:
        typer.echo(f"Nothing is due in the next {hours} hours.", err=True)
        return
    by_name = {schedule.name: schedule for schedule in schedules}
    table = Table("due", "schedule", "runbook", "", box=None, pad_edge=False)
    for planned in shown:
        due = _local(planned.due, by_name[planned.schedule])
        table.add_row(due, planned.schedule, planned.runbook, planned.why_not)
    Console().print(table)


@app.command("pause")
def pause(
    name: Name,
    until: Annotated[str, typer.Option(help="When it goes on by itself, e.g. 2026-11-24T03:45:00Z.")] = "",
    reason: Annotated[str, typer.Option(help="Why, for those who find it paused.")] = "",
) -> None:
    """Start nothing of a schedule until it is resumed; what falls due meanwhile is not caught up."""
    settings, now = load_settings(), utc_now()
    _chosen(_schedules(settings), name)
    end = parse_end(until, "--until")
    if end is not None and end <= now:
        raise UsageError(f"--until {until} has passed.", "Give a time to come.")
    with Workbench.from_settings(settings) as workbench:
        _book(workbench).pause(name, person(), now, end, reason)
    typer.echo(f"{name} is paused" + (f" until {end:%Y-%m-%d %H:%M %Z}" if end else "") + ".", err=True)


@app.command("resume")
def resume(name: Name) -> None:
    """Let a paused schedule go on."""
    settings = load_settings()
    _chosen(_schedules(settings), name)
    with Workbench.from_settings(settings) as workbench:
        _book(workbench).resume(name, utc_now())
    typer.echo(f"{name} goes on.", err=True)


@app.command("trigger")
def trigger(name: Name) -> None:
    """Run one occurrence of a schedule now, here, whatever its rhythm. Exit status 1 when a run did not succeed."""

    async def run() -> list[RunRecord]:
        async with Workbench.from_settings(settings) as workbench:
            return await workbench.scarlet(staying=False).run_once(name)

    settings = load_settings()
    _chosen(_schedules(settings), name)
    records = asyncio.run(run())
    for record in records:
        typer.echo(f"{record.status}  {record.runbook}  {record.where}")
    if any(record.status not in GOOD for record in records):
        raise typer.Exit(1)


@app.command("history")
def history_(
    name: Annotated[str, typer.Argument(help="Only this schedule.")] = "",
    since: Annotated[str, typer.Option(help="Only from then on: 2h, 3d or a time.")] = "",
    last: Annotated[int, typer.Option("--last", "-n", min=1, help="How many of the newest to show.")] = 50,
    as_json: AsJson = False,
) -> None:
    """Show what became of slots: run and how it ended, missed, blacked out, paused, overlapped."""
    from autodevops.scarlet.schedules.diary import history
    from autodevops.stores.sqlite_ledger import open_ledger

    settings = load_settings()
    with open_ledger(settings.ledger, read_only=True) as ledger:
        found = history(ledger, settings.scarlet.schedules, schedule=name, since=parse_since(since, utc_now()))[-last:]
    if as_json:
        print_json([past.model_dump(mode="json") for past in found])
        return
    if not found:
        typer.echo("Nothing has become of any slot yet.", err=True)
        return
    table = Table("at (UTC)", "schedule", "slot", "what", "run", "why", box=None, pad_edge=False)
    for past in found:
        slot = past.slot.partition("@")[2]
        table.add_row(f"{past.at:%Y-%m-%d %H:%M:%S}", past.schedule, slot, past.what, past.run, past.why)
    Console().print(table)


@app.command("lint")
def lint(
    paths: Annotated[list[Path] | None, typer.Argument(help="Files. Default: all of the configured folder.")] = None,
    as_json: AsJson = False,
) -> None:
    """Check schedule files: fields, runbook, parameters, channels. Exit status 1 when something is wrong."""
    from autodevops.runbooks.sources import catalogue_of
    from autodevops.scarlet.schedules.facts import check
    from autodevops.scarlet.schedules.schedule import load_schedule, schedule_files

    settings = load_settings()
    catalogue = catalogue_of(settings.scarlet)
    problems: list[dict[str, str]] = []
    files = paths or schedule_files(settings.scarlet.schedules)
    for path in files:
        try:
            schedule = load_schedule(path)
            check(schedule, catalogue)
        except AutoDevOpsError as error:
            problems.append({"file": str(path), "problem": error.message, "next_step": error.next_step})
            continue
        told = {*schedule.tell.failure, *schedule.tell.success, *schedule.tell.recovery}
        problems += [
            {
                "file": str(path),
                "problem": f"Schedule {schedule.name} tells channel {channel!r}, which the settings do not have.",
                "next_step": f"Add [channels.{channel}] with slack_webhook or url.",
            }
            for channel in sorted(told - settings.channels.keys())
        ]
    if as_json:
        print_json(problems)
    for problem in () if as_json else problems:
        typer.echo(f"{problem['file']}: {problem['problem']} {problem['next_step']}")
    if problems:
        raise typer.Exit(1)
    if not as_json:
        typer.echo(f"{len(files)} schedules, nothing wrong.", err=True)


def _schedules(settings: Settings) -> tuple[Schedule, ...]:
    from autodevops.scarlet.schedules.schedule import load_schedules

    return load_schedules(settings.scarlet.schedules)


def _chosen(schedules: tuple[Schedule, ...], name: str) -> list[Schedule]:
    chosen = [schedule for schedule in schedules if name in ("", schedule.name)]
    if name and not chosen:
        known = ", ".join(schedule.name for schedule in schedules) or "none"
        raise UsageError(f"There is no schedule {name!r}.", f"There are: {known}.")
    return chosen


def _book(workbench: Workbench) -> Book:
    from autodevops.scarlet.schedules.book import Book

    return Book(workbench.ledger, workbench.settings.scarlet.schedules, person())


def _state(schedule: Schedule, state: State | None, now: datetime) -> str:
    if not schedule.enabled:
        return "disabled"
    if state is not None and state.paused(now):
        assert state.pause is not None
        until = f" until {state.pause.until:%Y-%m-%d %H:%M} UTC" if state.pause.until else ""
        return f"paused by {state.pause.by}{until}"
    return "running" if state is not None and state.running else "waiting"


def _local(due: datetime, schedule: Schedule) -> str:
    return f"{due.astimezone(schedule.zone):%a %Y-%m-%d %H:%M:%S %Z}"
