"""`autodevops scarlet`: the agent that works alone."""

from __future__ import annotations

import logging
import sys
from typing import Annotated

import typer

from autodevops.settings import load_settings
from autodevops.workbench import Workbench

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
    with Workbench.from_settings(load_settings()) as workbench:
        scarlet = workbench.scarlet(staying=not once)
        if not once:
            asyncio.run(scarlet.run())
            return
        runs = asyncio.run(scarlet.run_once())
    for record in runs:
        typer.echo(f"{record.status}  {record.runbook}  {record.where}")
    if any(record.status != "succeeded" for record in runs):
        raise typer.Exit(1)
