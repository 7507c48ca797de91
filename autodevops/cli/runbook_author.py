"""`autodevops runbook show | new | form`: one runbook in full, the beginning of another, and how to fill one in."""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from autodevops.cli.options import AsJson
from autodevops.cli.output import print_json
from autodevops.cli.run_output import run_row
from autodevops.cli.runbook_sources import catalogue
from autodevops.kernel.person import person
from autodevops.settings import load_settings

if TYPE_CHECKING:
    from autodevops.domain.run import Run
    from autodevops.runbooks import Runbook

_RUNS_SHOWN = 5


def show(
    name: Annotated[str, typer.Argument(help="Name of the runbook, as `runbook list` shows it.")],
    as_json: AsJson = False,
) -> None:
    """Show a runbook: what it says about itself, its parameters, its cells with their tags, its last runs."""
    from autodevops.runbooks.catalogue import read_notebook, source_of, tags_of

    known = catalogue()
    runbook = known.load(name)
    hidden = [str(path) for path in known.places()[name] if path.resolve() != runbook.path.resolve()]
    cells = [
        {"cell": number, "type": cell["cell_type"], "tags": list(tags_of(cell)), "begins": _first_line(source_of(cell))}
        for number, cell in enumerate(read_notebook(runbook.path, runbook.source)["cells"], start=1)
    ]
    runs = _last_runs(name)
    if as_json:
        print_json(
            {
                "name": name,
                "path": str(runbook.path),
                "hides": hidden,
                **runbook.front.model_dump(mode="json"),
                "cells": cells,
                "runs": [
                    {"id": run.id, "status": run.status, "started_at": run.started_at.isoformat()} for run in runs
                ],
            }
        )
        return
    _print_front(runbook)
    for path in hidden:
        typer.echo(f"  hides         {path}")
    typer.secho("\nCells", bold=True)
    for cell in cells:
        typer.echo(f"  {cell['cell']:>3}  {cell['type']:<8}  {', '.join(cell['tags']):<20}  {cell['begins']}")
    typer.secho("\nLast runs", bold=True)
    for run in runs:
        typer.echo(f"  {run_row(run)}")
    if not runs:
        typer.echo("  none")


def new(
    name: Annotated[str, typer.Argument(help="Name of the new runbook; its file is NAME.ipynb.")],
    title: Annotated[str, typer.Option("--title", help="What people call it.")],
    owner: Annotated[str, typer.Option("--owner", help="Who answers for it. Default: you.")] = "",
    folder: Annotated[
        Path | None, typer.Option("--folder", help="Where to write it. Default: the first folder of the settings.")
    ] = None,
) -> None:
    """Write a new runbook that lints clean and runs, to be changed into what is needed."""
    from autodevops.runbooks.scaffold import write_scaffold

    place = folder or next(iter(load_settings().scarlet.runbooks), Path("runbooks"))
    path = write_scaffold(place / f"{name}.ipynb", title=title, owner=owner or person())
    typer.echo(path)
    typer.secho(f"autodevops runbook lint {path}\nautodevops runbook run {name}", err=True, dim=True)


def form(
    name: Annotated[str, typer.Argument(help="Name of the runbook; without one, how to pick one.")] = "",
    page: Annotated[
        Path | None, typer.Option("--page", help="Write a notebook there that Voila shows as a page.")
    ] = None,
) -> None:
    """Say how a runbook is filled in as a form, in JupyterLab or as a page of Voila."""
    from autodevops.runbooks.scaffold import write_page

    call = f"form({name!r})" if name else "picker()"
    if name:
        catalogue().path(name)
    code = f"from autodevops.notebook.runbook_form import {call.partition('(')[0]}\n\n{call}"
    if page is not None:
        typer.echo(write_page(page, code))
        typer.secho(f"voila {page}", err=True, dim=True)
        return
    typer.echo(code)
    typer.secho("In a cell of JupyterLab; --page FILE.ipynb writes a page for Voila.", err=True, dim=True)


def _print_front(runbook: Runbook) -> None:
    from autodevops.runbooks.parameters import allowed

    front = runbook.front
    typer.secho(front.title, bold=True)
    typer.echo(f"  {front.purpose}\n  {runbook.path}\n")
    rows = {
        "owner": front.owner,
        "risk": front.risk,
        "systems": ", ".join(front.systems),
        "secrets": ", ".join(front.secrets),
        "time limit": f"{front.time_limit_seconds:g} s",
        "a cell's": f"{front.cell_time_limit_seconds:g} s" if front.cell_time_limit_seconds else "",
        "retries": f"{front.retries}, after {front.retry_pause_seconds:g} s" if front.retries else "",
        "not beside": f"{front.concurrency_key} (at most {front.concurrency})" if front.concurrency_key else "",
    }
    for label, value in rows.items():
        if value:
            typer.echo(f"  {label:<12}  {value}")
    for precondition in front.preconditions:
        asked = f" (asked of {precondition.system})" if precondition.system else ""
        typer.echo(f"  {'precondition':<12}  {precondition.text}{asked}")
    typer.secho("\nParameters", bold=True)
    for name, parameter in front.parameters.items():
        default = "required" if parameter.default is None else f"default {parameter.default!r}"
        typer.echo(f"  {name}  {allowed(parameter)}; {default}\n      {parameter.help}")
    if not front.parameters:
        typer.echo("  none")


def _last_runs(name: str) -> list[Run]:
    from autodevops.runbooks.lookup import listed
    from autodevops.runbooks.storage_remote import open_bundles

    settings = load_settings().scarlet
    bundles = open_bundles(settings.artifacts, settings.staging)
    return [run for _, run in islice(listed(bundles, runbook=name), _RUNS_SHOWN)]


def _first_line(source: str) -> str:
    line = next((line for line in source.splitlines() if line.strip()), "")
    return line if len(line) <= 70 else f"{line[:69]}…"
