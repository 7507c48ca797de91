"""`autodevops runbook`: what there is to run, and one run with its progress in the terminal."""

from __future__ import annotations

import asyncio
import logging
import sys
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from autodevops.cli.options import AsJson
from autodevops.cli.output import Told, print_json
from autodevops.cli.run_output import deliver
from autodevops.cli.runbook_author import form, new, show
from autodevops.cli.runbook_lint import lint
from autodevops.cli.runbook_sources import catalogue
from autodevops.kernel.errors import RunFailed, UsageError
from autodevops.kernel.person import person
from autodevops.settings import load_settings
from autodevops.workbench import Workbench

if TYPE_CHECKING:
    from autodevops.runbooks import CellRequest, GateAnswer, RunHandle, RunRecord
    from autodevops.runbooks.catalogue import Runbook
    from autodevops.runbooks.progress import RunEvent
    from autodevops.runbooks.rehearsal import Rehearsal

app = typer.Typer(help="Runbooks: parameterised notebooks that leave a record.", no_args_is_help=True)
app.command("show")(show)
app.command("lint")(lint)
app.command("new")(new)
app.command("form")(form)

_LINES_SHOWN = 20  # of one output; the bundle has the rest


class GateChoice(StrEnum):
    deny = "deny"
    ask = "ask"
    approvals = "approvals"


class RunNotSucceeded(RunFailed):
    """The run ended; its bundle says how."""


class RunNotReady(Told):
    """A precondition is not met; what was printed says which."""


@app.command("list")
def list_runbooks(as_json: AsJson = False) -> None:
    """List the runbooks with what they take."""
    from autodevops.runbooks.parameters import allowed

    source = catalogue()
    runbooks = source.all()
    if as_json:
        print_json([{"name": runbook.name, **runbook.front.model_dump(mode="json")} for runbook in runbooks])
        return
    for runbook in runbooks:
        front = runbook.front
        typer.secho(f"{runbook.name}", bold=True, nl=False)
        typer.echo(f"  {front.title} ({front.risk}, {front.owner})\n    {front.purpose}")
        for name, parameter in front.parameters.items():
            default = "required" if parameter.default is None else f"default {parameter.default!r}"
            typer.echo(f"    -p {name}=...  {parameter.help} ({allowed(parameter)}; {default})")
        if front.secrets:
            typer.echo(f"    secrets: {', '.join(front.secrets)}")
    if not runbooks:
        where = ", ".join(map(str, source.folders))
        typer.echo(f"There is no runbook in {where}.", err=True)


@app.command("run")
def run(
    name: Annotated[str, typer.Argument(help="Name of the runbook, as `runbook list` shows it.")],
    parameter: Annotated[
        list[str] | None, typer.Option("--parameter", "-p", help="name=value; may be given several times.")
    ] = None,
    reason: Annotated[str, typer.Option("--reason", help="Why it is run; kept in the record.")] = "",
    gate: Annotated[
        GateChoice,
        typer.Option(
            "--gate", help="Cells that do something: deny them, ask here about each, or wait for `autodevops approve`."
        ),
    ] = GateChoice.deny,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Check parameters, secrets and preconditions; run nothing.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Run a runbook now and keep its record. Exit status 0 when it succeeded or stopped early, else 1."""
    from autodevops.domain.run import GOOD

    runbook = catalogue().load(name)
    values = _values(runbook, parameter or [])
    if dry_run:
        _rehearse(runbook, values, as_json)
        return
    if gate is GateChoice.ask and not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise UsageError("--gate ask needs a terminal to ask in.", "Run it in a terminal, or leave --gate away.")
    record = asyncio.run(_run(runbook, values, reason, gate, quiet=as_json))
    deliver(load_settings().scarlet)
    if as_json:
        print_json({"folder": str(record.folder), "run": record.run.model_dump(mode="json")})
    if record.status not in GOOD:
        raise RunNotSucceeded(
            f"Run {record.run.id} of {name} ended as {record.status.replace('_', ' ')}.", f"See {record.where}."
        )


def _rehearse(runbook: Runbook, values: dict[str, Any], as_json: bool) -> None:
    async def ask() -> Rehearsal:
        async with Workbench.from_settings(load_settings()) as workbench:
            return await workbench.rehearse(runbook, values)

    found = asyncio.run(ask())
    if as_json:
        print_json({**found.model_dump(mode="json"), "ready": found.ready})
    else:
        for name, value in found.parameters.items():
            typer.echo(f"  {name} = {value!r}")
        for answered in found.preconditions:
            sign, colour = {"met": ("✓", "green"), "not met": ("✗", "red"), "unknown": ("?", "yellow")}[answered.state]
            typer.secho(f"{sign} ", fg=colour, nl=False)
            typer.echo(f"{answered.precondition.text}  ({answered.message})")
            if answered.next_step and answered.state != "met":
                typer.secho(f"    {answered.next_step}", dim=True)
        if found.gated_cells:
            typer.echo(f"A gate is asked before cell {', '.join(map(str, found.gated_cells))}.")
    if not found.ready:
        raise RunNotReady(f"What {runbook.name} needs is not there.", "See the preconditions above.")


async def _run(runbook: Runbook, values: dict[str, Any], reason: str, gate: GateChoice, *, quiet: bool) -> RunRecord:
    from autodevops.runbooks import RunRequest

    logging.getLogger("autodevops.runbooks.runner").setLevel(logging.ERROR)  # progress and exit status say it
    with Workbench.from_settings(load_settings()) as workbench:
        asked = {GateChoice.ask: TerminalGate, GateChoice.approvals: workbench.approval_gate}.get(gate)
        means = workbench.run_means(gate=asked() if asked else None)
        async with workbench.run_queue(means) as queue:
            handle = queue.submit(RunRequest(runbook, values, requested_by=person(), reason=reason))
            try:
                await _follow(handle, quiet=quiet)
                return await handle.result()
            except asyncio.CancelledError:  # Ctrl-C: the bundle is made whole first, then shown
                handle.stop("interrupted", "Ctrl-C")
                await handle.ended()
                record = await handle.result()
                typer.secho(f"\n{record.status}  {record.folder}", err=True, fg="yellow")
                raise


async def _follow(handle: RunHandle, *, quiet: bool) -> None:
    from autodevops.runbooks.progress import CellStarted, CellWaiting

    if quiet:
        await handle.ended()
        return
    if not sys.stderr.isatty():
        async for event in handle.progress:
            _print(event, typer.echo)
        return
    from rich.console import Console

    console = Console(stderr=True, highlight=False)
    with console.status("starting") as status:

        def echo(text: str, **_options: Any) -> None:
            console.print(text, markup=False)

        async for event in handle.progress:
            if isinstance(event, CellWaiting):
                status.stop()  # a person is asked something on the same line
            elif isinstance(event, CellStarted):
                status.update(f"cell {event.cell + 1}")
                status.start()
            _print(event, echo)


def _print(event: RunEvent, echo: Any) -> None:
    """One line or a few on stderr for each thing that happens."""
    from autodevops.runbooks import progress

    match event:
        case progress.RunStarted(run_id=run_id, runbook=runbook, attempt=attempt, cells=cells):
            again = f", attempt {attempt}" if attempt > 1 else ""
            echo(f"{runbook}  run {run_id}, {cells} cells{again}", err=True)
        case progress.CellFinished(cell=cell, status=status, seconds=seconds, error=error):
            echo(f"  [{cell + 1}] {status.replace('_', ' ')}  {seconds:.2f} s  {error}".rstrip(), err=True)
        case progress.OutputChunk(text=text):
            lines = text.rstrip("\n").splitlines()
            more = [f"... {len(lines) - _LINES_SHOWN} more lines"] if len(lines) > _LINES_SHOWN else []
            for line in lines[:_LINES_SHOWN] + more:
                echo(f"      {line}", err=True)
        case progress.ChunksLost(count=count):
            echo(f"      ... {count} outputs came too fast to be shown", err=True)
        case progress.RunRetrying(status=status, pause_seconds=pause):
            echo(f"  {status.replace('_', ' ')}; trying again in {pause:g} s", err=True)
        case progress.RunFinished(status=status, folder=folder):
            echo(f"{status.replace('_', ' ')}  {folder}", err=True)


class TerminalGate:
    """Asks whoever sits at the terminal; anything but a clear yes denies."""

    async def ask(self, request: CellRequest) -> GateAnswer:
        from autodevops.runbooks import GateAnswer

        typer.echo(f"\nCell {request.cell + 1} is tagged {request.tag}:\n", err=True)
        for line in request.source.splitlines():
            typer.echo(f"    {line}", err=True)
        typer.secho("\nRun it? [y/N] ", err=True, bold=True, nl=False)
        granted = (await _line()).strip().lower() in {"y", "yes"}
        why = "said yes in the terminal" if granted else "did not say yes in the terminal"
        return GateAnswer.to(request, granted=granted, by=person(), why=why)


async def _line() -> str:
    """A line from the terminal, without a thread that would outlive a stopped run."""
    loop = asyncio.get_running_loop()
    ready = asyncio.Event()
    loop.add_reader(sys.stdin.fileno(), ready.set)
    try:
        await ready.wait()
    finally:
        loop.remove_reader(sys.stdin.fileno())
    return sys.stdin.readline()  # a whole line is there


def _values(runbook: Runbook, given: list[str]) -> dict[str, Any]:
    """Raises UsageError for what is not name=value of a declared parameter."""
    from autodevops.runbooks.parameters import from_text

    declared = runbook.front.parameters
    values: dict[str, Any] = {}
    for item in given:
        name, sign, text = item.partition("=")
        if not sign:
            raise UsageError(f"-p {item!r} has no value.", "Write -p name=value.")
        if name in values:
            raise UsageError(f"Parameter {name} is given twice.", "Give it once.")
        if name not in declared:
            known = ", ".join(declared) or "none"
            raise UsageError(f"Runbook {runbook.name} has no parameter {name!r}.", f"It takes: {known}.")
        values[name] = from_text(runbook.name, name, declared[name], text)
    return values
