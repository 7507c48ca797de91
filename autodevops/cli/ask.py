"""`autodevops ask`: one question to Jamie."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from autodevops.cli import output
from autodevops.cli.markdown import print_markdown
from autodevops.cli.options import AsJson, End, Namespace, Window, parse_end, parse_window
from autodevops.domain.stream import AnswerCompleted, TurnEvent
from autodevops.kernel.errors import UsageError
from autodevops.settings import load_settings
from autodevops.workbench import Workbench


def ask(
    question: Annotated[str, typer.Argument(help='For example "why are checkouts failing?"')],
    namespace: Namespace = "",
    window: Window = None,
    end: End = "",
    about: Annotated[
        str, typer.Option("--about", help="A file that the question may be about, e.g. a log; - for stdin.")
    ] = "",
    notebook: Annotated[
        Path | None, typer.Option("--notebook", help="Write the answer to this new file, as a notebook to run again.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Ask Jamie a question about your systems."""
    import asyncio

    from autodevops.jamie.context import checked
    from autodevops.widgets.notebook_file import new_notebook, save_turns
    from autodevops.widgets.wire import wire_event

    question = checked(question)
    moment, minutes = parse_end(end), parse_window(window)
    selection = _selected(about)
    if notebook is not None:
        new_notebook(notebook)
    seen: list[TurnEvent] = []
    workbench = Workbench.from_settings(load_settings())

    async def turn() -> AnswerCompleted:
        async with workbench:
            span = workbench.window(minutes=minutes, end=moment) if minutes or moment else None
            asked = workbench.ask(
                question,
                namespace=namespace,
                window=span,
                persona="off" if as_json else None,
                selection=selection,
            )
            return await output.follow(asked, quiet=as_json, seen=seen)

    answer = asyncio.run(turn())
    if as_json:
        output.print_json(output.answer_json(answer) | {"events": [event.model_dump(mode="json") for event in seen]})
    else:
        print_markdown(answer.text)
        if answer.note:
            typer.secho(f"\n({answer.note})", err=True, dim=True)
        output.print_evidence(answer.evidence, answer.text)
    if notebook is not None:
        save_turns(
            [{"id": "", "question": question, "events": [wire_event(each) for each in (*seen, answer)]}], notebook
        )
        typer.secho(f"\nWritten: {notebook}", err=True)
    output.require_sight(answer.investigation)


def _selected(about: str) -> str:
    """The file's text. Raises UsageError when it cannot be read."""
    if not about:
        return ""
    if about == "-":
        return sys.stdin.read()
    try:
        return Path(about).read_text("utf-8", errors="replace")
    except OSError as error:
        raise UsageError(f"The file {about} cannot be read: {error.strerror}.", "Check its path.") from error
