"""The command tree, and the one place where an error becomes a sentence and an exit status."""

from __future__ import annotations

import json
import os
import sys
from typing import Annotated

import typer

from autodevops import __version__
from autodevops.cli import (
    act,
    approve,
    ask,
    audit,
    chat,
    demo,
    doctor,
    evaluate,
    health,
    incident,
    investigate,
    kb,
    mcp,
    portal,
    postmortem,
    run,
    runbook,
    sandbox,
    scarlet,
    schedule,
)
from autodevops.cli.output import Told
from autodevops.kernel.errors import AutoDevOpsError, UsageError
from autodevops.kernel.startup import collect_rarely, skip_unused_imports

app = typer.Typer(
    name="autodevops",
    help="An SRE workbench: Jamie answers, Scarlet works alone, every claim cites its query.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("ask")(ask.ask)
app.command("chat")(chat.chat)
app.command("investigate")(investigate.investigate)
app.command("eval")(evaluate.evaluate)
app.command("doctor")(doctor.doctor)
app.add_typer(sandbox.app, name="sandbox")
app.add_typer(mcp.app, name="mcp")
app.add_typer(kb.app, name="kb")
app.add_typer(health.app, name="health")
app.add_typer(runbook.app, name="runbook")
app.add_typer(scarlet.app, name="scarlet")
app.add_typer(schedule.app, name="schedule")
app.add_typer(act.app, name="act")
app.add_typer(approve.app, name="approve")
app.add_typer(incident.app, name="incident")
app.command("postmortem")(postmortem.postmortem)
app.add_typer(run.app, name="run")
app.add_typer(audit.app, name="audit")
app.command("portal")(portal.portal)
app.command("demo")(demo.demo)


def _print_version(value: bool) -> None:
    if value:
        typer.echo(f"autodevops {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """An SRE workbench: Jamie answers, Scarlet works alone, every claim cites its query."""
    if os.environ.get("NO_COLOR"):  # https://no-color.org; rich heeds it by itself
        context.color = False


def main() -> None:
    """Exit status 0, 1 (it failed), 2 (ask otherwise), 130 (interrupted). With --json an error is a document too."""
    skip_unused_imports()
    collect_rarely()
    try:
        if sys.stdout is None:  # closed by whoever started us: there is nobody to tell
            sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115  # for as long as we live
        status = app(standalone_mode=False)
        sys.stdout.flush()  # here, where a reader that went away is no surprise
        sys.exit(status)
    except AutoDevOpsError as error:
        _end(error.message, error.next_step, error.code, error.exit_status, told=isinstance(error, Told))
    except typer.TyperException as error:
        if said := error.format_message():  # nothing where the help has been shown instead
            stop = "" if said.endswith((".", "?")) else "."
            _end(said + stop, "See `autodevops --help`.", UsageError.code, error.exit_code)
        sys.exit(error.exit_code)
    except typer.Abort:
        _end("Aborted.", "", "aborted", 1)
    except BrokenPipeError:  # whoever read us has enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except OSError as error:
        place = f"{error.filename}: " if error.filename else ""
        _end(f"{place}{error.strerror or error}.", "Check that it exists and may be read or written.", "io", 1)


def _end(message: str, next_step: str, code: str, status: int, *, told: bool = False) -> None:
    """One sentence on stderr; with --json also `{"error": ...}` in a line on stdout, unless it stands there already."""
    typer.echo(f"autodevops: {message} {next_step}".rstrip(), err=True)
    if "--json" in sys.argv[1:] and not told:
        document = {"error": {"code": code, "message": message, "next_step": next_step}}
        typer.echo(json.dumps(document, ensure_ascii=False))
    sys.exit(status)
