"""`autodevops eval`: how good the engine is, and with --scarlet how good she is, on scenarios whose truth is known."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar

import typer

from autodevops.cli.options import AsJson
from autodevops.cli.output import print_json
from autodevops.kernel.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from autodevops.evaluation.tables import Table
    from autodevops.sandbox.world.scenario import Scenario

T = TypeVar("T")


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
            help="Fit the confidences to the dev half and write the fit to this file"
            " (the engine's is autodevops/investigation/calibration.json).",
        ),
    ] = None,
    scarlet: Annotated[
        bool,
        typer.Option(
            "--scarlet", help="Play them end to end with Scarlet in them, from before the fault until its end."
        ),
    ] = False,
    html: Annotated[
        Path | None, typer.Option(help="With --scarlet: also write a page with plots to this file.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Run scenarios of the sandbox through the engine and count what it finds; with --scarlet, what she does about it.

    Half of the scenarios, chosen by a hash of their names, are the test half: they are scored with the others, and
    listed only on request, so that rules are not written to fit them.
    """
    from autodevops.evaluation.suite import find_scenarios

    if scarlet and calibration is not None:
        raise UsageError("--calibrate is of the engine, not of Scarlet.", "Leave --scarlet out.")
    if html is not None and not scarlet:
        raise UsageError("--html is a page about Scarlet.", "Give --scarlet, or --markdown.")
    scenarios = find_scenarios(names or (), suite, half)
    chosen = bool(names or half)
    if scarlet:
        _play(scenarios, chosen=chosen, seed=seed, jobs=jobs, page=page, html=html, as_json=as_json)
    else:
        _investigate(scenarios, chosen=chosen, seed=seed, jobs=jobs, page=page, fit=calibration, as_json=as_json)


def _investigate(
    scenarios: Sequence[Scenario],
    *,
    chosen: bool,
    seed: int,
    jobs: int,
    page: Path | None,
    fit: Path | None,
    as_json: bool,
) -> None:
    from autodevops.evaluation.calibration import calibrate, write_calibration
    from autodevops.evaluation.play import play, play_all
    from autodevops.evaluation.tables import document, footnote, tables

    outcomes = _counted(play_all(play, scenarios, seed=seed, jobs=jobs), len(scenarios))
    listed = [one for one in outcomes if chosen or one.half == "dev"]
    if fit is not None:
        write_calibration(calibrate(outcomes), fit)
    found, words = tables(outcomes, listed=listed), footnote(outcomes)
    told = document(outcomes, listed=listed) if as_json else None
    _tell(found, words, told, page, len(outcomes) - len(listed))


def _play(
    scenarios: Sequence[Scenario],
    *,
    chosen: bool,
    seed: int,
    jobs: int,
    page: Path | None,
    html: Path | None,
    as_json: bool,
) -> None:
    from autodevops.evaluation.play import play_all
    from autodevops.evaluation.response.page import page_of
    from autodevops.evaluation.response.play import play
    from autodevops.evaluation.response.tables import document, footnote, tables
    from autodevops.kernel.clock import monotonic_ms

    began = monotonic_ms()
    courses = _counted(play_all(play, scenarios, seed=seed, jobs=jobs), len(scenarios))
    seconds = (monotonic_ms() - began) / 1000
    listed = [one for one in courses if chosen or one.half == "dev"]
    found, words = tables(courses, listed=listed), footnote(courses, seconds, jobs)
    if html is not None:
        html.write_text(page_of(courses, listed=listed, words=words), "utf-8")
    told = document(courses, listed=listed, wall_seconds=seconds) if as_json else None
    _tell(found, words, told, page, len(courses) - len(listed))


def _counted(found: Iterable[T], whole: int) -> list[T]:
    """All of them; somebody who watches sees how far it is."""
    outcomes = []
    for one in found:
        outcomes.append(one)
        if sys.stderr.isatty():
            typer.secho(f"\r{len(outcomes)} of {whole}", err=True, nl=len(outcomes) == whole, dim=True)
    return outcomes


def _tell(found: list[Table], words: str, told: dict[str, Any] | None, page: Path | None, unlisted: int) -> None:
    from autodevops.evaluation.tables import markdown

    if page is not None:
        page.write_text(f"{markdown(found)}\n{words}\n", "utf-8")
    if told is not None:
        print_json(told)
        return
    _print(found)
    typer.echo(words)
    if unlisted:
        typer.echo(f"{unlisted} scenarios of the test half are counted but not listed.")


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
