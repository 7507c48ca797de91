"""The command tree, and the one place where an error becomes a sentence and an exit status."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from autodevops import __version__
from autodevops.cli import ask, demo, doctor, investigate, mcp, sandbox, scarlet
from autodevops.kernel.errors import AutoDevOpsError
from autodevops.kernel.startup import skip_unused_imports

app = typer.Typer(
    name="autodevops",
    help="An SRE workbench: Jamie answers, Scarlet works alone, every claim cites its query.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("ask")(ask.ask)
app.command("investigate")(investigate.investigate)
app.command("doctor")(doctor.doctor)
app.add_typer(sandbox.app, name="sandbox")
app.add_typer(mcp.app, name="mcp")
app.add_typer(scarlet.app, name="scarlet")
app.command("demo")(demo.demo)


def _print_version(value: bool) -> None:
    if value:
        typer.echo(f"autodevops {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """An SRE workbench: Jamie answers, Scarlet works alone, every claim cites its query."""


def main() -> None:
    skip_unused_imports()
    try:
        app()
    except AutoDevOpsError as error:
        typer.echo(f"autodevops: {error}", err=True)
        sys.exit(error.exit_status)
    except KeyboardInterrupt:
        typer.echo("autodevops: interrupted", err=True)
        sys.exit(130)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(1)
