"""What the rules over traces say of small worlds, and that names, order and the hour of the day change nothing."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from investigation.traced_pictures import make_picture, suffering

from autodevops.domain.finding import Finding
from autodevops.investigation.picture import Picture, SeenTrace
from autodevops.investigation.rules import LAST_STAGE, RULES

CASES: list[dict[str, Any]] = [
    case
    for path in sorted((Path(__file__).parent / "traced_states").glob("*.yaml"))
    for case in yaml.safe_load(path.read_text("utf-8"))
]
IDS = [case["name"] for case in CASES]


def _findings(picture: Picture, given: tuple[Finding, ...]) -> list[Finding]:
    earlier = given
    for stage in range(1, LAST_STAGE + 1):
        of_stage = [rule for rule in RULES if rule.stage == stage and rule.id.startswith("TRC")]
        earlier += tuple(finding for rule in of_stage for finding in rule.check(picture, earlier))
    return sorted(earlier[len(given) :], key=lambda f: (f.reason, f.subject.name, f.severity))


def _said(findings: list[Finding]) -> list[list[str]]:
    return [[f.reason, f.subject.name, f.severity] for f in findings]


@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_traces_tell_causes_apart(case: dict[str, Any]) -> None:
    picture = make_picture(case)
    found = _findings(picture, suffering(case, picture))
    assert _said(found) == case["expect"], [f.message for f in found]


@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_other_names_and_another_hour_change_nothing(case: dict[str, Any]) -> None:
    rename = {name: f"w{index}x" for index, name in enumerate(sorted(case["workloads"], reverse=True))}
    picture = make_picture(case, rename, shift=86_400 * 31 + 0.25)
    found = _findings(picture, suffering(case, picture, rename))
    expected = [[reason, rename.get(name, name), severity] for reason, name, severity in case["expect"]]
    assert _said(found) == sorted(expected)


@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_the_order_of_spans_and_traces_changes_nothing(case: dict[str, Any]) -> None:
    picture = make_picture(case)
    dice = random.Random(7)

    def shuffled(seen: tuple[SeenTrace, ...]) -> tuple[SeenTrace, ...]:
        mixed = [
            replace(
                s, trace=s.trace.model_copy(update={"spans": tuple(dice.sample(s.trace.spans, len(s.trace.spans)))})
            )
            for s in seen
        ]
        return tuple(dice.sample(mixed, len(mixed)))

    groups = ("slow_traces", "ordinary_traces", "error_traces", "plain_traces")
    other = picture.having(**{group: shuffled(getattr(picture, group)) for group in groups})
    given = suffering(case, picture)
    plain, mixed = _findings(picture, given), _findings(other, given)
    assert [(f.reason, f.subject, f.severity, f.confidence) for f in plain] == [
        (f.reason, f.subject, f.severity, f.confidence) for f in mixed
    ]
