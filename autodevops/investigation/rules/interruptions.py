"""Moments at which a database lets all its clients go: a failover, a restart. Shared by the rules about them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

import numpy as np

from autodevops.analysis.dependency_errors import Refusal, refusals, speaks
from autodevops.domain.evidence import EvidenceId
from autodevops.domain.finding import Finding
from autodevops.domain.subject import Subject
from autodevops.investigation.dependency_families import Measure
from autodevops.investigation.picture import Picture
from autodevops.investigation.rules.complaints import lines_of_all
from autodevops.investigation.rules.stores import at_first, before, hurt_callers, moment, stores

_AROUND: Final = 300.0  # s
_HALF: Final = 0.5
_OVER: Final = timedelta(minutes=30)  # after one that nobody suffers from any more
_COUNTED: Final[tuple[Measure, ...]] = ("connections", "transactions")


def written(picture: Picture, kind: Refusal) -> Iterator[tuple[Subject, datetime, str, EvidenceId]]:
    """What databases, or their cloud about them, write of it within the window: the first line of each."""
    told: set[Subject] = set()
    for log in lines_of_all(picture):
        subject, at = log.subject, log.record.timestamp
        if subject is None or subject in told or not picture.span.window.contains(at):
            continue
        own = picture.known_as(subject)
        said = [words_of for found, words_of in refusals(log.record.body) if found == kind]
        if any(speaks(one.system, words_of) for one in own for words_of in said):
            told.add(subject)
            yield subject, at, log.record.body, log.evidence


def felt(subject: Subject, picture: Picture, earlier: tuple[Finding, ...], at: float) -> bool:
    """Whether callers are hurt; where nobody sees them, whether its clients were let go lately."""
    lately = picture.span.window.end - moment(at) <= _OVER
    hurt = bool(hurt_callers(subject, picture, earlier))
    return hurt or (not picture.signals and lately and _broke_off(subject, picture, at))


def _broke_off(subject: Subject, picture: Picture, at: float) -> bool:
    """Whether its connections or transactions fell to less than half around that time."""
    for store in stores(picture):
        for measure in _COUNTED if store.subject == subject else ():
            reading = store.of(measure)
            usual = before(reading, at - _AROUND)
            usual = usual if usual is not None else at_first(reading)
            near = reading.values[np.abs(reading.times - at) <= _AROUND] if reading is not None else np.empty(0)
            if usual and len(near) and float(np.nanmin(near)) < _HALF * usual:
                return True
    return False
