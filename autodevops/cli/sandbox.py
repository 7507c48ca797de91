"""`autodevops sandbox`: a world to practise in."""

from __future__ import annotations

import signal
import threading
from pathlib import Path
from types import FrameType
from typing import Annotated

import typer

from autodevops.cli.output import print_json

app = typer.Typer(help="A small world with incidents in it, on loopback.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """A small world with incidents in it, on loopback."""


@app.command("up")
def up(
    scenario: Annotated[
        str, typer.Argument(help="A shipped scenario's name, or the path of a scenario file.")
    ] = "bad-deploy",
    kubeconfig: Annotated[Path, typer.Option(help="Where to write the kubeconfig.")] = Path("sandbox.kubeconfig"),
    seed: Annotated[int, typer.Option(help="Same seed, same world.")] = 1,
) -> None:
    """Serve a scenario until Ctrl-C; prints the addresses as AUTODEVOPS_* environment lines on stdout."""
    from autodevops.sandbox import Sandbox

    with Sandbox(scenario=scenario, seed=seed) as sandbox:
        sandbox.write_kubeconfig(kubeconfig)
        environment = {"KUBECONFIG": str(kubeconfig.resolve()), **sandbox.environment()}
        for name, value in environment.items():
            typer.echo(f"{name}={value}")
        typer.secho(f"sandbox: {scenario} is up; Ctrl-C ends it", err=True)
        wait_for_signal()


@app.command("list")
def list_scenarios(as_json: Annotated[bool, typer.Option("--json", help="As one JSON document.")] = False) -> None:
    """List the shipped scenarios."""
    from autodevops.sandbox import scenarios

    rows = scenarios()
    if as_json:
        print_json([{"name": row.name, "title": row.title, "summary": row.summary} for row in rows])
        return
    for row in rows:
        typer.echo(f"{row.name:<22} {row.title}")


def wait_for_signal() -> None:
    """Return at SIGINT or SIGTERM. Ctrl-C is the expected end here, so it is no error."""
    done = threading.Event()

    def stop(_number: int, _frame: FrameType | None) -> None:
        done.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    done.wait()
