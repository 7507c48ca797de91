"""`autodevops ask`: one question to Jamie."""

from __future__ import annotations

from typing import Annotated

import typer

from autodevops.cli import output
from autodevops.cli.options import AsJson, End, Namespace, Window, parse_end, parse_window
from autodevops.domain.stream import AnswerCompleted
from autodevops.settings import load_settings
from autodevops.workbench import Workbench


def ask(
    question: Annotated[str, typer.Argument(help='For example "why are checkouts failing?"')],
    namespace: Namespace = "",
    window: Window = None,
    end: End = "",
    as_json: AsJson = False,
) -> None:
    """Ask Jamie a question about your systems."""
    import asyncio

    from autodevops.jamie.context import checked

    question = checked(question)
    moment, minutes = parse_end(end), parse_window(window)
    workbench = Workbench.from_settings(load_settings())

    async def turn() -> AnswerCompleted:
        async with workbench:
            span = workbench.window(minutes=minutes, end=moment) if minutes or moment else None
            return await output.follow(
                workbench.ask(question, namespace=namespace, window=span, persona="off" if as_json else None),
                quiet=as_json,
            )

    answer = asyncio.run(turn())
    if as_json:
        output.print_json(output.answer_json(answer))
    else:
        output.print_markdown(answer.text)
        if answer.note:
            typer.secho(f"\n({answer.note})", err=True, dim=True)
        output.print_evidence(answer.evidence, answer.text)
    output.require_sight(answer.investigation)
