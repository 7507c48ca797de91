"""`autodevops health scarlet`: what she noticed and missed, how long it took, what her actions came to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from autodevops.cli.options import AsJson, AsPrometheus, parse_since, require_one_form
from autodevops.cli.output import print_json
from autodevops.kernel.clock import utc_now
from autodevops.kernel.durations import in_words
from autodevops.settings import load_settings
from autodevops.workbench import Workbench

if TYPE_CHECKING:
    from autodevops.scarlet.learning.health import ScarletHealth, Share, Times


def scarlet(
    since: Annotated[str, typer.Option("--since", help="From then on: 2h, 30d or 2026-11-24T03:45:00Z.")] = "30d",
    prometheus: AsPrometheus = False,
    as_json: AsJson = False,
) -> None:
    """Show what Scarlet noticed and missed, how long it took, what her actions came to, and what it saved."""
    from autodevops.stores.sqlite_ledger import open_ledger

    require_one_form(as_json=as_json, prometheus=prometheus)
    moment, settings = parse_since(since, utc_now()), load_settings()
    with open_ledger(settings.ledger, read_only=True) as ledger, Workbench(settings, ledger=ledger) as workbench:
        health = workbench.scarlet_health(moment)
    if as_json:
        print_json(health_json(health))
    elif prometheus:
        from autodevops.scarlet.learning.exposition import render

        typer.echo(render(health), nl=False)
    else:
        _print(health)


def health_json(health: ScarletHealth) -> dict[str, Any]:
    """As it is, with shares worked out, and the time saved beside its formula."""
    shares = {
        "detection_rate": health.detection.value,
        "success_rate": health.success.value,
        "undo_rate": health.undone.value,
        "automation_rate": health.automated.value,
    }
    saved = {"minutes": health.saved_minutes, "formula": health.saved_words}
    return {**health.model_dump(mode="json"), **shares, "time_saved": saved}


def _print(health: ScarletHealth) -> None:
    start = f" since {health.since:%Y-%m-%d %H:%M} UTC" if health.since else ""
    typer.echo(f"{_many(health.incidents, 'incident')}{start}, {health.open} open, {health.escalated} escalated.")
    _row("Noticed by her", _share(health.detection))
    if health.misses:
        _row("", f"found by people: {', '.join(health.misses)}")
    _row("Time to detect", _times(health.to_detect))
    _row("Time to resolve", _times(health.to_resolve))
    _row("Actions that helped", _share(health.success))
    for kind, share in health.actions.items():
        _row("", f"{kind}: {_share(share)}")
    _row("Taken back", _share(health.undone))
    _row("Ended without a person", _share(health.automated))
    _row("", f"{health.by_itself} more ended by themselves")
    _row("Time saved, estimated", health.saved_words)
    _row("Autonomy", ", ".join(f"{count} kinds {level}" for level, count in health.autonomy.items()))
    known = health.calibration
    if known.brier is not None:
        words = f"{known.confidence:.0%} on average, {known.helped:.0%} helped (Brier {known.brier:.3f}"
        _row("Confidence", f"{words}, of {_many(known.decisions, 'decision')})")
    _row("Loop", _round(health))
    if health.unreadable:
        _row("Not readable", f"{health.unreadable} entries; `autodevops audit verify` says more")


def _row(name: str, words: str) -> None:
    typer.echo(f"  {name:<24}{words}")


def _share(share: Share) -> str:
    return f"{share.hits} of {share.of} ({share.value:.0%})" if share.value is not None else "nothing to say yet"


def _times(times: Times) -> str:
    if times.median is None or times.p90 is None:
        return "nothing to say yet"
    return f"half within {in_words(times.median)}, nine of ten within {in_words(times.p90)} (of {times.count})"


def _round(health: ScarletHealth) -> str:
    last = health.round
    if last is None:
        return "never heard of; `autodevops scarlet run` starts it"
    words = f"last heard of at {last.at:%Y-%m-%d %H:%M:%S} UTC"
    words += ", too long ago" if last.late else ""
    words += f"; {last.seconds:.1f} s for a round" if last.seconds is not None else ""
    words += f"; {_many(last.signals, 'signal')}" if last.signals is not None else ""
    words += f"; {_many(last.failed, 'round')} failed" if last.failed else ""
    return words + (f"; cannot see {', '.join(last.blind)}" if last.blind else "")


def _many(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"
