"""`autodevops investigate`: the engine alone, without a conversation."""

from __future__ import annotations

from typing import Annotated

import typer

from autodevops.cli import output
from autodevops.cli.options import AsJson, End, Namespace, Window, parse_end, parse_window
from autodevops.domain.investigation import Investigation, by_reason
from autodevops.domain.stream import TurnEvent
from autodevops.settings import load_settings
from autodevops.workbench import Workbench


def investigate(
    namespace: Namespace = "",
    beside: Annotated[
        bool, typer.Option("--beside", help="What Prometheus scrapes beside Kubernetes, instead of a namespace.")
    ] = False,
    window: Window = None,
    end: End = "",
    as_json: AsJson = False,
) -> None:
    """Investigate a namespace: what is wrong, since when, due to what."""
    import asyncio

    moment, minutes = parse_end(end), parse_window(window)
    workbench = Workbench.from_settings(load_settings())
    queries: dict[str, str] = {}

    def show(event: TurnEvent) -> None:
        if not as_json:
            output.progress(event, queries)

    async def run() -> Investigation:
        async with workbench:
            span = workbench.window(minutes=minutes, end=moment)
            return await workbench.investigate(namespace=namespace, beside=beside, window=span, emit=show)

    investigation = asyncio.run(run())
    if as_json:
        output.print_json(output.investigation_json(investigation))
    else:
        print_investigation(investigation)
    output.require_sight(investigation)


def print_investigation(investigation: Investigation) -> None:
    colour = {"healthy": "green", "explained": "red", "undetermined": "yellow"}[investigation.verdict]
    typer.secho(investigation.verdict.upper(), fg=colour, bold=True, nl=False)
    typer.echo(f"  {investigation.summary}")
    for rank, hypothesis in enumerate(investigation.hypotheses, start=1):
        typer.echo(f"\n{rank}. {hypothesis.reason}  {hypothesis.subject}  confidence {hypothesis.confidence:.2f}")
        for claim in hypothesis.supports:
            typer.echo(f"   + {claim.text} {_cites(claim.evidence)}")
        for claim in hypothesis.contradicts:
            typer.echo(f"   - {claim.text} {_cites(claim.evidence)}")
        for action in hypothesis.suggested_actions:
            typer.echo(f"   next: {action.summary}  {action.command}".rstrip())
    if investigation.next_step:
        typer.echo(f"\nnext: {investigation.next_step}")
    for gaps in by_reason(investigation.missing):
        tool = gaps[0].tool if len(gaps) == 1 else f"{gaps[0].tool.partition('.')[0]} ({len(gaps)} queries)"
        typer.secho(f"\nmissing: {tool}: {gaps[0].error}", fg="yellow")
    cited = {ev for hypothesis in investigation.hypotheses for ev in hypothesis.evidence}
    output.print_evidence(item for item in investigation.evidence if item.id in cited)


def _cites(evidence: tuple[str, ...]) -> str:
    return " ".join(f"[{item}]" for item in evidence)
