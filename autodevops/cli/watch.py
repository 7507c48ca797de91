"""`autodevops scarlet watch`: what she sees now, for people. Nothing is kept, and nothing follows from it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from autodevops.cli.options import AsJson
from autodevops.cli.output import print_json
from autodevops.domain.incident import BESIDE
from autodevops.domain.signal import SEVERITIES
from autodevops.kernel.clock import utc_now
from autodevops.settings import load_settings
from autodevops.workbench import NO_CLUSTER, Workbench

if TYPE_CHECKING:
    from autodevops.domain.signal import Look, Signal
    from autodevops.scarlet.watching import News


def watch(
    once: Annotated[bool, typer.Option("--once", help="Look once and stop.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show what Scarlet sees: what is the matter, what is muted, what she cannot see. Then only what changes.

    With --json a document for each look, one a line; with --once just one.
    """
    import asyncio

    asyncio.run(_watch(once=once, as_json=as_json))


async def _watch(*, once: bool, as_json: bool) -> None:
    import asyncio

    from autodevops.scarlet.watching import Noticing

    settings = load_settings()
    noticing = Noticing()
    async with Workbench.from_settings(settings) as workbench:
        watching = workbench.watch()
        if not workbench.has_cluster:
            typer.secho(NO_CLUSTER, err=True, dim=True)
        before: Look | None = None
        while True:
            look = await watching.look(utc_now())
            news = noticing.notice(look)
            if as_json and once:
                print_json(look.model_dump(mode="json"))
            elif as_json:
                sys.stdout.write(look.model_dump_json() + "\n")
            elif before is None:
                _print(look)
            else:
                _print_news(look, news, before)
            sys.stdout.flush()
            if once:
                return
            before = look
            await asyncio.sleep(settings.watch.every_seconds)


def _print(look: Look) -> None:
    for signal in sorted(look.signals, key=_order):
        typer.echo(_line(signal))
    for signal in look.muted:
        typer.secho(f"muted     {_words(signal)}", dim=True)
    for blind in look.blind:
        typer.secho(f"BLIND     {blind.system}: {blind.words}", fg="yellow")
    if not look.signals:
        typer.echo(
            f"{look.at:%H:%M:%S} UTC: nothing is the matter in what can be seen."
            if look.blind
            else f"{look.at:%H:%M:%S} UTC: nothing is the matter."
        )


def _print_news(look: Look, news: News, before: Look) -> None:
    for signal in news.fresh:
        typer.echo(f"{look.at:%H:%M:%S}  {_line(signal)}")
    for signal in news.ended:
        typer.echo(f"{look.at:%H:%M:%S}  over      {_about(signal)}: {signal.name}")
    for blind in look.blind:
        if blind not in before.blind:
            typer.secho(f"{look.at:%H:%M:%S}  BLIND     {blind.system}: {blind.words}", fg="yellow")
    for system in sorted({one.system for one in before.blind} - {one.system for one in look.blind}):
        typer.echo(f"{look.at:%H:%M:%S}  sees      {system} again")


def _order(signal: Signal) -> tuple[int, object, str]:
    return SEVERITIES.index(signal.severity), signal.since, signal.key


def _line(signal: Signal) -> str:
    return f"{signal.severity:<9} {_words(signal)}"


def _words(signal: Signal) -> str:
    return f"{_about(signal)}: {signal.name} since {signal.since:%H:%M:%S} UTC ({signal.source}). {signal.words}"


def _about(signal: Signal) -> str:
    place = BESIDE if signal.beside else "the cluster"
    return str(signal.subject or signal.namespace or place)
