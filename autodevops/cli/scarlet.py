"""`autodevops scarlet`: the agent that works alone."""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from autodevops.cli import learned
from autodevops.domain.run import GOOD
from autodevops.kernel.clock import utc_now
from autodevops.settings import load_settings
from autodevops.workbench import Workbench

if TYPE_CHECKING:
    from autodevops.scarlet import RunRecord

app = typer.Typer(help="The agent that works alone.", no_args_is_help=True)
app.add_typer(learned.app, name="learned")


@app.callback()
def _group() -> None:
    """The agent that works alone."""


@app.command("run")
def run(
    once: Annotated[bool, typer.Option("--once", help="Run every enabled schedule once, then stop.")] = False,
) -> None:
    """Run scheduled runbooks until Ctrl-C. Exit status 1 when a run with --once did not succeed."""
    import asyncio

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s", stream=sys.stderr)
    for chatty in ("apscheduler", "papermill", "httpx"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    runs = asyncio.run(_run(once=once))
    for record in runs:
        typer.echo(f"{record.status}  {record.runbook}  {record.where}")
    if any(record.status not in GOOD for record in runs):
        raise typer.Exit(1)


async def _run(*, once: bool) -> list[RunRecord]:
    import asyncio

    async with Workbench.from_settings(load_settings()) as workbench:
        scarlet = workbench.scarlet(staying=not once)
        if once:
            return await scarlet.run_once()
        tending = asyncio.create_task(workbench.tend(), name="tending")
        try:
            await scarlet.run()
        finally:
            tending.cancel()
            await asyncio.wait([tending])
        return []


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
