"""`autodevops doctor`: what is reachable, and what to fix."""

from __future__ import annotations

import dataclasses

import typer

from autodevops.cli.options import AsJson
from autodevops.cli.output import print_json
from autodevops.settings import load_settings
from autodevops.workbench import Check, Workbench


def doctor(as_json: AsJson = False) -> None:
    """Check each system and say what to fix. Exit status 1 when a configured system fails, or none is there."""
    import asyncio

    workbench = Workbench.from_settings(load_settings())

    async def run() -> list[Check]:
        async with workbench:
            return await workbench.doctor()

    checks = asyncio.run(run())
    if as_json:
        print_json([dataclasses.asdict(check) for check in checks])
    else:
        for check in checks:
            print_check(check)
    states = {check.state for check in checks}
    if "failed" in states or "ok" not in states:
        raise typer.Exit(1)


def print_check(check: Check) -> None:
    sign, colour = {"ok": ("✓", "green"), "failed": ("✗", "red"), "not configured": ("-", "yellow")}[check.state]
    typer.secho(f"{sign} ", fg=colour, nl=False)
    typer.echo(f"{check.system:<13} {check.address or check.state:<34} {check.message}")
    if check.next_step:
        typer.secho(f"{'':<16}{check.next_step}", dim=True)
