"""`autodevops health`: how the agents themselves do, from what the ledger says of their turns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from autodevops.cli.health_scarlet import scarlet
from autodevops.cli.options import AsJson, AsPrometheus, parse_since, require_one_form
from autodevops.cli.output import print_json
from autodevops.kernel.clock import utc_now
from autodevops.settings import load_settings

if TYPE_CHECKING:
    from autodevops.jamie.health_report import HealthReport, Measure, Spread

app = typer.Typer(help="How the agents themselves do.", no_args_is_help=True)

app.command("scarlet")(scarlet)

_ROWS: tuple[tuple[Measure, str], ...] = (
    ("first_event", "first event"),
    ("first_token", "first word"),
    ("total", "answer"),
    ("own", "own time"),
    ("context", "  what is asked"),
    ("engine", "  finding out"),
    ("narration", "  wording"),
    ("tools", "systems"),
    ("model", "model"),
)


@app.callback()
def _group() -> None:
    """How the agents themselves do."""


@app.command("jamie")
def jamie(
    since: Annotated[str, typer.Option("--since", help="From then on: 2h, 7d or 2026-11-24T03:45:00Z.")] = "7d",
    prometheus: AsPrometheus = False,
    as_json: AsJson = False,
) -> None:
    """Show response times by stage, failed calls, "I don't know"s, narrators, kinds of questions and feedback.

    Of all that this user's processes did: notebooks, the portal, commands.
    """
    from autodevops.jamie.health_report import read_health
    from autodevops.stores.sqlite_ledger import open_ledger

    require_one_form(as_json=as_json, prometheus=prometheus)
    moment = parse_since(since, utc_now())
    with open_ledger(load_settings().ledger, read_only=True) as ledger:
        report = read_health(ledger, moment)
    if as_json:
        print_json(report_json(report))
    elif prometheus:
        from autodevops.jamie.exposition import render

        typer.echo(render(report), nl=False)
    else:
        _print(report)


def report_json(report: HealthReport) -> dict[str, object]:
    """Figures as a script wants them, milliseconds and shares; the newest turns as they are kept."""
    took = {name: _quantiles(spread) for name, spread in report.took.items()}
    return {
        "since": report.since.isoformat() if report.since else None,
        "turns": report.count,
        "outcomes": report.by("outcome"),
        "intents": report.by("intent"),
        "narrators": report.by("narrator"),
        "abstained": report.abstained,
        "took_ms": took,
        "answered_in_ms": {intent: _quantiles(spread) for intent, spread in report.answered_in.items()},
        "tool_calls": report.tool_calls,
        "tool_errors": report.tool_errors,
        "feedback": {
            "up": report.thumbs[0],
            "down": report.thumbs[1],
            "score": report.score,
            "said": [one.model_dump(mode="json") for one in report.feedback],
        },
        "latest": [turn.model_dump(mode="json") for turn in report.latest],
        "unreadable": report.unreadable,
    }


def _print(report: HealthReport) -> None:
    start = f" since {report.since:%Y-%m-%d %H:%M} UTC" if report.since else ""
    if not report.count:
        typer.echo(f"Nobody asked Jamie anything{start}.")
        return
    turns = f"{report.count} turn{'s' if report.count != 1 else ''}"
    typer.echo(f"{turns}{start}: {_counts(report.by('outcome'))}.")
    typer.echo(f"\n{'ms':<18}{'half within':>12}{'95 % within':>13}")
    for measure, name in _ROWS:
        if measure in report.took and report.took[measure].sum_ms:
            _row(name, report.took[measure])
    typer.echo(f"\n{'answers to':<18}{'half within':>12}{'95 % within':>13}{'turns':>8}")
    for intent, turns_of_it in report.by("intent").items():
        if intent in report.answered_in:
            _row(intent, report.answered_in[intent], f"{turns_of_it:>8}")
    typer.echo(f"\nNarrators: {_counts(report.by('narrator'))}.")
    share = f" ({report.failed_calls:.1%})" if report.failed_calls else ""
    typer.echo(f"Calls of tools: {report.tool_calls}, without an answer: {report.tool_errors}{share}.")
    if report.abstained:
        typer.echo(f'"I don\'t know": {report.abstained:.1%} of the answers.')
    up, down = report.thumbs
    typer.echo(f"Feedback: {up} up, {down} down." if up or down else "Feedback: none.")
    for one in [said for said in report.feedback if said.comment][-5:]:
        typer.echo(f"  {one.at:%Y-%m-%d %H:%M} UTC, {'up' if one.thumb > 0 else 'down'}, {one.by}: {one.comment[:200]}")


def _row(name: str, spread: Spread, more: str = "") -> None:
    half, most = spread.quantile(0.5) or 0.0, spread.quantile(0.95) or 0.0
    typer.echo(f"{name:<18}{half:>12,.0f}{most:>13,.0f}{more}")


def _counts(found: dict[str, int]) -> str:
    return ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in found.items())


def _quantiles(spread: Spread) -> dict[str, float | None]:
    return {"p50": spread.quantile(0.5), "p95": spread.quantile(0.95), "count": spread.count}
