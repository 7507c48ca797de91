"""A system that is down is one reason, however many calls it cost and however many were spared."""

from __future__ import annotations

import pytest

from autodevops.domain.investigation import MissingEvidence, by_reason
from autodevops.domain.reasons import told_as
from autodevops.domain.signal import Blind, merged

DOWN = ("loki", "Loki does not answer.")
LATE = ("loki", "Loki answered too late.")
SPARED = ("loki", "loki has not answered since 04:00:00 UTC, so it was not asked; it is tried again at 04:00:30 UTC.")
OTHER = ("tempo", "Tempo does not answer.")


@pytest.mark.parametrize(
    ("reasons", "told"),
    [
        ([], []),
        ([DOWN, DOWN, OTHER], [DOWN, DOWN, OTHER]),
        ([SPARED, DOWN, OTHER], [DOWN, DOWN, OTHER]),  # the reason comes later than its effect
        ([LATE, SPARED, DOWN], [LATE, LATE, DOWN]),
        ([SPARED, OTHER], [SPARED, OTHER]),  # whoever met the reason is not among these
    ],
)
def test_what_was_not_asked_is_told_as_what_the_others_met(
    reasons: list[tuple[str, str]], told: list[tuple[str, str]]
) -> None:
    found = told_as(reasons)
    assert [found[reason] for reason in reasons] == told


def test_missing_evidence_is_grouped_and_none_is_lost() -> None:
    missing = [
        MissingEvidence(tool=f"{system}.query", query=str(number), error=words, evidence=f"ev-{number}")
        for number, (system, words) in enumerate([SPARED, DOWN, OTHER, SPARED, DOWN])
    ]
    groups = by_reason(missing)
    assert [[gap.query for gap in gaps] for gaps in groups] == [["1", "4", "0", "3"], ["2"]]
    assert groups[0][0].error == DOWN[1]


def test_what_is_hidden_by_one_reason_is_one_blind_spot() -> None:
    blind = [Blind(system=one[0], words=one[1], hides=(hides,)) for one, hides in ((SPARED, "log/"), (DOWN, "slo/"))]
    assert merged(blind) == (Blind(system="loki", words=DOWN[1], hides=("log/", "slo/")),)
