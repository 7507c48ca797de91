"""`autodevops eval`: how good the investigation engine is on scenarios whose truth is known."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from autodevops.cli.options import AsJson
from autodevops.cli.output import print_json

if TYPE_CHECKING:
    from collections.abc import Iterable

    from autodevops.evaluation.tables import Table


def evaluate(
    names: Annotated[
        list[str] | None, typer.Argument(help="Shipped scenarios' names, or paths. Default: all that are shipped.")
    ] = None,
    suite: Annotated[
        Path | None, typer.Option(help="A folder of scenario files to run instead of the shipped ones; names win.")
    ] = None,
    half: Annotated[
        Literal["dev", "test"] | None,
        typer.Option(help="Only this half. Default: figures of both; without names only the dev half is listed."),
    ] = None,
    jobs: Annotated[int, typer.Option(min=1, help="Scenarios at a time, each in a process of its own.")] = 1,
    seed: Annotated[int, typer.Option(help="Same seed, same worlds.")] = 1,
    page: Annotated[Path | None, typer.Option("--markdown", help="Also write the tables to this file.")] = None,
    calibration: Annotated[
        Path | None,
        typer.Option(
            "--calibrate",
            help="Fit the confidences to the test half and write the fit to this file"
            " (the engine's is autodevops/investigation/calibration.json).",
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Run scenarios of the sandbox through the engine and count what it finds.

    Half of the scenarios, chosen by a hash of their names, are the test half: they are scored with the others, and
    listed only on request, so that rules are not written to fit them.
    """
    from autodevops.evaluation.calibration import calibrate, write_calibration
    from autodevops.evaluation.play import play_all
    from autodevops.evaluation.suite import find_scenarios
    from autodevops.evaluation.tables import document, footnote, markdown, tables

    scenarios = find_scenarios(names or (), suite, half)
    outcomes = []
    for one in play_all(scenarios, seed=seed, jobs=jobs):
        outcomes.append(one)
        if sys.stderr.isatty():
            last = len(outcomes) == len(scenarios)
            typer.secho(f"\r{len(outcomes)} of {len(scenarios)}", err=True, nl=last, dim=True)
    listed = [one for one in outcomes if names or half or one.half == "dev"]
    found = tables(outcomes, listed=listed)
    if page is not None:
        page.write_text(f"{markdown(found)}\n{footnote(outcomes)}\n", "utf-8")
    if calibration is not None:
        write_calibration(calibrate(outcomes), calibration)
    if as_json:
        print_json(document(outcomes, listed=listed))
        return
    _print(found)
    typer.echo(footnote(outcomes))
    if len(listed) < len(outcomes):
        typer.echo(f"{len(outcomes) - len(listed)} scenarios of the test half are counted but not listed.")


def _print(found: Iterable[Table]) -> None:
    from rich.console import Console
    from rich.table import Table as Grid
    from rich.text import Text

    console = Console()
    for table in found:
        grid = Grid(*table.head, title=table.title, title_justify="left")
        for row in table.rows:
            grid.add_row(*(Text(cell) for cell in row))  # as Text, so that a bracket in a name is no markup
        console.print(grid)
