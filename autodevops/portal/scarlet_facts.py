"""Scarlet's health as facts of the overview: only what there is something to say of."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from autodevops.kernel.durations import in_words
from autodevops.portal.sections import Fact

if TYPE_CHECKING:
    from autodevops.scarlet.learning.health import ScarletHealth


def scarlet_facts(health: ScarletHealth) -> tuple[Fact, ...]:
    return tuple(_facts(health))


def _facts(health: ScarletHealth) -> Iterator[Fact]:
    if health.incidents:
        yield Fact(label="Incidents", value=f"{health.incidents}, {health.open} open")
    if health.misses:
        words = f"{len(health.misses)} of {health.detection.of}"
        yield Fact(label="Found by people first", value=words, tone="warn")
    if health.to_detect.median is not None:
        yield Fact(label="Median to detect", value=in_words(health.to_detect.median))
    if health.to_resolve.median is not None:
        yield Fact(label="Median to resolve", value=in_words(health.to_resolve.median))
    if health.success.of:
        all_good = health.success.hits == health.success.of
        words = f"{health.success.hits} of {health.success.of}"
        yield Fact(label="Actions that helped", value=words, tone="good" if all_good else "warn")
    if health.automated.of:
        yield Fact(label="Ended without a person", value=f"{health.automated.hits} of {health.automated.of}")
    if health.automated.hits:
        yield Fact(label="Time saved, estimated", value=f"{health.saved_minutes / 60:.1f} h")
    if health.round is not None:
        if health.round.late:
            yield Fact(label="Last look", value=f"{health.round.at:%Y-%m-%d %H:%M} UTC", tone="bad")
        elif health.round.blind:
            yield Fact(label="Cannot see", value=", ".join(health.round.blind), tone="warn")
