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
    alertmanager_config: Annotated[
        Path | None, typer.Option(help="An alertmanager.yml; its webhooks are told of what fires.")
    ] = None,
    control: Annotated[bool, typer.Option("--control", help="Also serve a route that lets time pass at once.")] = False,
) -> None:
    """Serve a scenario until Ctrl-C; prints the addresses as AUTODEVOPS_* environment lines on stdout."""
    from autodevops.sandbox import Sandbox

    config = _read(alertmanager_config) if alertmanager_config else ""
    with Sandbox(scenario=scenario, seed=seed, control=control, alertmanager_config=config) as sandbox:
        sandbox.write_kubeconfig(kubeconfig)
        environment = {"KUBECONFIG": str(kubeconfig.resolve()), **sandbox.environment()}
        if control:
            environment |= {"SANDBOX_CONTROL_URL": sandbox.addresses["control"], "SANDBOX_TOKEN": sandbox.token}
        for name, value in environment.items():
            typer.echo(f"{name}={value}")
        typer.secho(f"sandbox: {scenario} is up; Ctrl-C ends it", err=True)
        wait_for_signal()


@app.command("gameday")
def gameday(
    scenario: Annotated[str, typer.Argument(help="A number from --list, a scenario's name or a file.")] = "",
    show: Annotated[bool, typer.Option("--list", help="List the scenarios without spoilers.")] = False,
    speed: Annotated[float, typer.Option(help="How many times faster than yours the world's time runs.")] = 1.0,
    seed: Annotated[int, typer.Option(help="Same seed, same world.")] = 1,
    kubeconfig: Annotated[Path, typer.Option(help="Where to write the kubeconfig.")] = Path("sandbox.kubeconfig"),
    as_json: Annotated[bool, typer.Option("--json", help="Only the result, as one JSON document.")] = False,
) -> None:
    """Rehearse an incident: you are paged, you investigate and act, then the truth and your score are shown."""
    from autodevops.cli.gameday import list_numbers, play
    from autodevops.kernel.errors import UsageError

    if show:
        list_numbers(as_json)
    elif scenario:
        play(scenario, seed, speed, kubeconfig, as_json)
    else:
        raise UsageError("Which scenario?", "`autodevops sandbox gameday --list` shows them; give one's number.")


@app.command("list")
def list_scenarios(as_json: Annotated[bool, typer.Option("--json", help="As one JSON document.")] = False) -> None:
    """List the shipped scenarios, by what they are about."""
    from autodevops.sandbox import scenarios
    from autodevops.sandbox.world.scenario import grouped

    rows = scenarios()
    if as_json:
        print_json([{"name": row.name, "group": row.group, "title": row.title, "summary": row.summary} for row in rows])
        return
    for number, (group, members) in enumerate(grouped(rows)):
        typer.secho(("\n" if number else "") + group, bold=True)
        for row in members:
            typer.echo(f"  {row.name:<26} {row.title}")


def _read(path: Path) -> str:
    from autodevops.kernel.errors import UsageError

    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"The file {path} cannot be read: {error}.", "Check its path and permissions.") from error


def wait_for_signal() -> None:
    """Return at SIGINT or SIGTERM. Ctrl-C is the expected end here, so it is no error."""
    done = threading.Event()

    def stop(_number: int, _frame: FrameType | None) -> None:
        done.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    done.wait()
