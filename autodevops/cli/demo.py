"""`autodevops demo`: the main job once, end to end, then the workbench to play with.

The sandbox plays the outside world; everything else is the product as people use it.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import signal
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import FrameType
from typing import Annotated

import typer

from autodevops.cli import output
from autodevops.cli.markdown import print_markdown
from autodevops.cli.processes import free_port, running, wait_until_answers
from autodevops.cli.sandbox import wait_for_signal
from autodevops.domain.stream import AnswerCompleted
from autodevops.kernel.errors import AutoDevOpsError, UsageError
from autodevops.settings import load_settings
from autodevops.workbench import Workbench

QUESTION = "Why are checkouts failing?"


def demo(
    once: Annotated[
        bool, typer.Option("--once", help="Do not serve JupyterLab and the portal; end after the runbook.")
    ] = False,
    scenario: Annotated[str, typer.Option(help="The incident to show.")] = "bad-deploy",
    question: Annotated[str, typer.Option(help="What to ask Jamie.")] = QUESTION,
    lab_port: Annotated[int, typer.Option(help="JupyterLab's port; another one is taken when it is busy.")] = 8888,
    portal_port: Annotated[int, typer.Option(help="The portal's port; another one is taken when it is busy.")] = 8866,
) -> None:
    """Show the main job: an incident, Jamie's answer, one of Scarlet's runbooks, then JupyterLab and the portal."""
    from autodevops.sandbox import Sandbox

    notebook = Path("notebooks/jamie.ipynb")
    if not notebook.is_file():
        raise UsageError(f"{notebook} is not here.", "Run the demo from the project's folder.")
    with _terminating(), ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="autodevops-demo-")))
        _step("Starting the sandbox", f"an incident called {scenario}, on loopback")
        sandbox = stack.enter_context(Sandbox(scenario=scenario))
        kubeconfig = folder / "kubeconfig"
        sandbox.write_kubeconfig(kubeconfig)
        os.environ.update(sandbox.environment(), KUBECONFIG=str(kubeconfig))

        _step("Jamie investigates", question)
        answer = asyncio.run(_ask(question))
        typer.echo()
        print_markdown(answer.text)
        output.print_evidence(answer.evidence, answer.text)

        _step("Scarlet runs her scheduled runbooks", "each executed notebook is kept")
        _run_scarlet()
        if once:
            return

        _step("Starting JupyterLab and the portal", "a few seconds each")
        lab, portal = _serve(stack, folder, notebook, lab_port, portal_port)
        typer.echo(f"\n  JupyterLab  {lab}\n  Portal      {portal}\n")
        typer.secho(f"Ask Jamie there, for example: {question}\nCtrl-C ends everything.", err=True)
        wait_for_signal()
        typer.secho("demo: ending", err=True)


def _step(title: str, detail: str) -> None:
    typer.secho(f"\n▸ {title}", err=True, bold=True, nl=False)
    typer.secho(f"  {detail}", err=True, dim=True)


async def _ask(question: str) -> AnswerCompleted:
    workbench = Workbench.from_settings(load_settings())
    async with workbench:
        return await output.follow(workbench.ask(question), quiet=False)


def _run_scarlet() -> None:
    with Workbench.from_settings(load_settings()) as workbench:
        runs = asyncio.run(workbench.scarlet(staying=False).run_once())
    for record in runs:
        typer.echo(f"\n{record.status}: {record.runbook}\n  {record.folder}")
    if not runs or any(record.status != "succeeded" for record in runs):
        raise AutoDevOpsError("Scarlet's runbook did not succeed.", "Its manifest.json says why.")


def _serve(stack: ExitStack, folder: Path, notebook: Path, lab_port: int, portal_port: int) -> tuple[str, str]:
    from autodevops.widgets import serving

    token = secrets.token_urlsafe(24)
    environment = serving.serving_environment(os.environ)
    lab_port = free_port(lab_port)
    lab_log, portal_log = folder / "lab.log", folder / "portal.log"
    lab = stack.enter_context(running(serving.lab_command(Path.cwd(), lab_port, token), environment, lab_log))
    portal_port = free_port(portal_port, but_not=lab_port)
    command = [sys.executable, "-m", "autodevops", "portal", "--port", str(portal_port)]
    known = environment | {"AUTODEVOPS_PORTAL__TOKEN": token}
    portal = stack.enter_context(running(command, known, portal_log))
    wait_until_answers(serving.lab_health_url(lab_port, token), lab, lab_log)
    wait_until_answers(f"http://127.0.0.1:{portal_port}/login", portal, portal_log)
    lab_url = f"http://127.0.0.1:{lab_port}/lab/tree/{notebook}?token={token}"
    return lab_url, f"http://127.0.0.1:{portal_port}/?token={token}"


@contextmanager
def _terminating() -> Iterator[None]:
    """SIGTERM ends us as Ctrl-C does: through the same clean-up."""

    def stop(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    except KeyboardInterrupt:
        sys.stderr.write("\ndemo: interrupted, ending\n")
        raise typer.Exit(130) from None
    finally:
        signal.signal(signal.SIGTERM, before)
