"""`autodevops scarlet`: the agent that works alone."""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from autodevops.domain.run import GOOD
from autodevops.settings import load_settings
from autodevops.workbench import Workbench

if TYPE_CHECKING:
    from autodevops.scarlet import RunRecord

app = typer.Typer(help="The agent that works alone.", no_args_is_help=True)


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
    async with Workbench.from_settings(load_settings()) as workbench:
        scarlet = workbench.scarlet(staying=not once)
        if once:
            return await scarlet.run_once()
        await scarlet.run()
        return []
