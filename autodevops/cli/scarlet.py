"""`autodevops scarlet`: the agent that works alone."""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from autodevops.cli import learned
from autodevops.cli.watch import watch
from autodevops.domain.run import GOOD
from autodevops.kernel.clock import utc_now
from autodevops.settings import load_settings
from autodevops.workbench import Workbench

if TYPE_CHECKING:
    from autodevops.domain.incident import Incident
    from autodevops.runbooks.bundle import RunRecord

app = typer.Typer(help="The agent that works alone.", no_args_is_help=True)
app.add_typer(learned.app, name="learned")
app.command("watch")(watch)


@app.callback()
def _group() -> None:
    """The agent that works alone."""


@app.command("run")
def run(
    once: Annotated[
        bool, typer.Option("--once", help="Run every enabled schedule once, look once for trouble and respond, stop.")
    ] = False,
    observe: Annotated[
        bool, typer.Option("--observe", help="Write down what would be done, and do or ask nothing.")
    ] = False,
) -> None:
    """Run scheduled runbooks, look for trouble and respond to it until Ctrl-C.

    Exit status 1 when a run with --once did not succeed.
    """
    import asyncio

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s", stream=sys.stderr)
    for chatty in ("apscheduler", "papermill", "httpx", "mcp", "uvicorn"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    runs, found = asyncio.run(_run(once=once, observe=observe))
    for record in runs:
        typer.echo(f"{record.status}  {record.runbook}  {record.where}")
    for incident in found:
        typer.echo(f"{incident.phase}  {incident.id}  {incident.title}")
    if any(record.status not in GOOD for record in runs):
        raise typer.Exit(1)


async def _run(*, once: bool, observe: bool) -> tuple[list[RunRecord], list[Incident]]:
    import asyncio

    from autodevops.stores.incidents import all_incidents

    settings = load_settings()
    if observe:
        executor = settings.executor.model_copy(update={"autonomy": "observe", "autonomy_by_kind": {}})
        settings = settings.model_copy(update={"executor": executor})
    async with Workbench.from_settings(settings) as workbench:
        scarlet = workbench.scarlet(staying=not once)
        if once:
            began = utc_now()
            runs = await scarlet.run_once()
            await scarlet.respond_once()
            still = ("closed", None)
            known = all_incidents(workbench.ledger, investigations=False)
            found = [one for one in known if one.phase not in still or one.opened_at >= began]
            return runs, found
        beside = [asyncio.create_task(work) for work in (workbench.tend(), workbench.study())]
        try:
            await scarlet.run()
        finally:
            for task in beside:
                task.cancel()
            await asyncio.wait(beside)
        return [], []


@app.command("stop")
def stop(why: Annotated[str, typer.Argument(help="A word on why, for the others.")] = "") -> None:
    """Stop every change, hers and people's, within a second. Reading goes on."""
    _turn(on=True, why=why)
    typer.echo("Everything is stopped: nothing is changed until `autodevops scarlet resume`.")


@app.command("resume")
def resume(why: Annotated[str, typer.Argument(help="A word on why, for the others.")] = "") -> None:
    """Allow changes again."""
    from autodevops.executor.switch import stop_file, stopped

    _turn(on=False, why=why)
    settings = load_settings()
    with Workbench.from_settings(settings) as workbench:
        still = stopped(workbench.ledger, stop_file(settings.executor))
    if still:
        typer.secho(f"It stays stopped: {still}.", err=True)
        raise typer.Exit(1)
    typer.echo("Changes are possible again.")


def _turn(*, on: bool, why: str) -> None:
    from autodevops.executor import switch
    from autodevops.kernel.person import person

    with Workbench.from_settings() as workbench:
        switch.turn(workbench.ledger, on=on, by=person(), why=why, now=utc_now())
