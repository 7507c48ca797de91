"""Which of two things that are true of the same object is named its cause: the one a person on call would name.

A table of what is found together, and why the first is said and not the other. The order of findings decides nothing.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from investigation.investigation_world import END, Service, World, lines, minutes, since

from autodevops.domain.change import Change
from autodevops.domain.evidence import EvidenceId
from autodevops.domain.finding import Finding
from autodevops.domain.subject import Subject
from autodevops.investigation.picture import Rollout
from autodevops.investigation.rules import RULES
from autodevops.investigation.weigh import Candidate

CASES: list[dict[str, Any]] = yaml.safe_load(Path(__file__).with_name("reasons.yaml").read_text("utf-8"))
_AT = datetime(2026, 3, 9, 11, 40, tzinfo=UTC)
_IT = Subject(kind="Deployment", name="ledger", namespace="bank", api_version="apps/v1")


def _finding(reason: str) -> Finding:
    rule = next(rule for rule in RULES if rule.reason == reason)
    return rule.finding(_IT, "m", severity="error", confidence=0.9, evidence=[EvidenceId("ev")], onset=_AT)


def _reason(reasons: list[str], *, changed: bool, touched: list[str]) -> str:
    change = _finding("RolloutNearOnset") if changed else None
    found = tuple(_finding(reason) for reason in reasons)
    made = Change(at=_AT, kind="rollout", subject=_IT, summary="revision 2", evidence=(EvidenceId("ev"),))
    rollout = Rollout(made, 2, touched=frozenset(touched)) if touched else None
    return Candidate(_IT, found, _AT, change, rollout, factors={}, score=0.0).reason


@pytest.mark.parametrize("case", CASES, ids=[" + ".join(case["found"]) for case in CASES])
def test_the_cause_is_named_and_not_what_follows_from_it(case: dict[str, Any]) -> None:
    how = {"changed": case.get("changed", False), "touched": case.get("touched", [])}
    assert _reason(case["found"], **how) == case["reason"], case["for"]
    assert _reason(case["found"][::-1], **how) == case["reason"]


async def test_whoever_has_no_replica_left_accounts_for_a_caller_in_which_errors_start() -> None:
    onset = END - minutes(20)
    crashing = {
        "restartCount": 6,
        "ready": False,
        "state": {"waiting": {"reason": "CrashLoopBackOff"}},
        "lastState": {"terminated": {"exitCode": 2, "reason": "Error"}},
    }
    gone = {"type": "Available", "status": "False", "lastTransitionTime": "2026-03-09T11:40:00Z"}
    refused = lines(onset, END, "error calling ledger:8080: connect ECONNREFUSED ledger:8080", timedelta(seconds=10))
    gateway = Service("gateway", calls=("ledger",), failing=since(onset, 0.7), origin=True, logs=refused)
    ledger = Service("ledger", container_status=crashing, available=0, conditions=(gone,))
    result = await World([gateway, ledger, Service("search", rate=9)]).investigate()
    assert [(h.subject.name, h.reason) for h in result.hypotheses[:1]] == [("ledger", "CrashLoopBackOff")]
    assert all(hypothesis.confidence < 0.3 for hypothesis in result.hypotheses[1:])
