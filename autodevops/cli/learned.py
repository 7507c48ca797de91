"""`autodevops scarlet learned`: what she learned, why, since when; how it is undone; how it came about."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated

import typer

from autodevops.cli.options import AsJson
from autodevops.cli.output import print_json
from autodevops.kernel.person import person
from autodevops.settings import load_settings
from autodevops.workbench import Workbench

if TYPE_CHECKING:
    from autodevops.domain.learned import Learned
    from autodevops.scarlet.learning.book import Change

app = typer.Typer(help="What she learned: confidence, autonomy, patterns, alerts that tell nothing.")

LessonId = Annotated[str, typer.Argument(metavar="ID", help="A lesson's id, or as much of it as is needed.")]
_NAMED = 3  # of the evidence; --json has it all
_HEADS = {
    "autonomy": "What machines may do, as successes came",
    "drift": "Success rates that fell",
    "confidence": "What outcomes say",
    "recurring": "Causes that come again",
    "together": "Causes that follow one another",
    "time": "Causes that keep to a time",
    "noise": "Alerts that tell people nothing",
}


@app.callback(invoke_without_command=True)
def learned(
    context: typer.Context,
    alerts: Annotated[
        bool, typer.Option("--alerts/--no-alerts", help="Ask Prometheus for the alerts that fired, too.")
    ] = True,
    as_json: AsJson = False,
) -> None:
    """Learn from what happened so far, and show all that is held. The same stands in learned.json beside the ledger."""
    if context.invoked_subcommand is not None:
        return
    from autodevops.scarlet.learning.file import row_of

    rows, said = asyncio.run(_learned(alerts))
    for words in said:
        typer.secho(words, err=True, fg="yellow")
    held = [one for one in rows if one.ended is None]
    print_json([row_of(one) for one in held]) if as_json else _print(held)


@app.command("undo")
def undo(
    lesson: LessonId,
    why: Annotated[str, typer.Option("--why", help="The reason, for the record.")],
    as_json: AsJson = False,
) -> None:
    """Undo one: what taught it counts no more. The same can be learned again only from what happens from now on."""
    from autodevops.scarlet.learning.file import row_of

    with Workbench.from_settings(load_settings()) as workbench:
        known = workbench.unlearn(lesson, why, by=person())
    if as_json:
        print_json(row_of(known))
        return
    typer.echo(f"{known.lesson.id} is undone: {known.lesson.about}, {known.lesson.value}.")


@app.command("history")
def history(
    lesson: Annotated[str, typer.Argument(metavar="[ID]", help="Of one lesson only.")] = "", as_json: AsJson = False
) -> None:
    """Every change with its reason, oldest first: what it was, what it became."""
    from autodevops.scarlet.learning import book

    with Workbench.from_settings(load_settings()) as workbench:
        lesson_id = book.find(workbench.ledger, lesson).lesson.id if lesson else ""
        changes = list(book.history(workbench.ledger, lesson_id))
    if as_json:
        print_json([{**vars(one), "at": one.at.isoformat()} for one in changes])
        return
    for one in changes:
        _print_change(one)
    if not changes:
        typer.secho("Nothing was learned yet.", err=True, dim=True)


async def _learned(alerts: bool) -> tuple[tuple[Learned, ...], tuple[str, ...]]:
    from autodevops.scarlet.learning.book import read_learned

    bench = Workbench.from_settings(load_settings())
    if alerts:
        async with bench:
            said = await bench.learn(alerts=True)
            return read_learned(bench.ledger), said
    with bench:
        said = await bench.learn()
        return read_learned(bench.ledger), said


def _print(held: Iterable[Learned]) -> None:
    kinds: dict[str, list[Learned]] = {}
    for one in held:
        kinds.setdefault(one.lesson.kind, []).append(one)
    for kind, head in _HEADS.items():
        if kind not in kinds:
            continue
        typer.secho(head, bold=True)
        for one in kinds[kind]:
            lesson = one.lesson
            typer.echo(f"  {lesson.id}  {lesson.about}: {lesson.value}  (since {one.since:%Y-%m-%d %H:%M} UTC)")
            typer.secho(f"    {lesson.reason}", dim=True)
            if lesson.evidence:
                more = f" and {len(lesson.evidence) - _NAMED} before" if len(lesson.evidence) > _NAMED else ""
                typer.secho(f"    evidence: {', '.join(lesson.evidence[-_NAMED:])}{more}", dim=True)
    if not kinds:
        typer.secho("Nothing was learned yet: there were no outcomes and no patterns.", err=True, dim=True)


def _print_change(one: Change) -> None:
    typer.echo(f"{one.at:%Y-%m-%d %H:%M:%S} UTC  {one.what:<8}  {one.id}  {one.about}  by {one.by}")
    if one.before:
        typer.secho(f"    - {one.before}", fg="red")
    if one.after:
        typer.secho(f"    + {one.after}", fg="green")
    typer.secho(f"    {one.reason}", dim=True)
