"""Which of two things that are true of the same object is named its cause: the one a person on call would name.

A table of what is found together, and why the first is said and not the other. The order of findings decides nothing.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from autodevops.domain.evidence import EvidenceId
from autodevops.domain.finding import Finding
from autodevops.domain.subject import Subject
from autodevops.investigation.rules import RULES
from autodevops.investigation.weigh import Candidate

CASES: list[dict[str, Any]] = yaml.safe_load(Path(__file__).with_name("reasons.yaml").read_text("utf-8"))
_AT = datetime(2026, 3, 9, 11, 40, tzinfo=UTC)
_IT = Subject(kind="Deployment", name="ledger", namespace="bank", api_version="apps/v1")


def _finding(reason: str) -> Finding:
    rule = next(rule for rule in RULES if rule.reason == reason)
    return rule.finding(_IT, "m", severity="error", confidence=0.9, evidence=[EvidenceId("ev")], onset=_AT)


def _reason(reasons: list[str], *, changed: bool) -> str:
    change = _finding("RolloutNearOnset") if changed else None
    found = tuple(_finding(reason) for reason in reasons)
    return Candidate(_IT, found, _AT, change, None, factors={}, score=0.0).reason


@pytest.mark.parametrize("case", CASES, ids=[" + ".join(case["found"]) for case in CASES])
def test_the_cause_is_named_and_not_what_follows_from_it(case: dict[str, Any]) -> None:
    changed = case.get("changed", False)
    assert _reason(case["found"], changed=changed) == case["reason"], case["for"]
    assert _reason(case["found"][::-1], changed=changed) == case["reason"]
