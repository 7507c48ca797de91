"""Whether an earlier revision ran well where nobody counts ready pods: by what its containers did."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from autodevops.domain.subject import Subject
from autodevops.domain.tool_results import Revision
from autodevops.executor.proof import proof_of
from autodevops.toolbox.testing import ScriptedTools

NOON = datetime(2026, 11, 29, 12, tzinfo=UTC)
CART = Subject(kind="Deployment", name="cart", namespace="store", api_version="apps/v1")


def _revision(number: int, minutes_ago: float, owner: str) -> Revision:
    made = NOON - timedelta(minutes=minutes_ago)
    return Revision(revision=number, created_at=made, owner=owner, images={"cart": f"cart:{number}"})


@pytest.mark.parametrize(
    ("pods_beside", "lasted", "state"),
    [
        (0.0, 22 * 60.0, "well"),
        (0.0, 40.0, "unknown"),  # its containers ended soon, each time
        (1.0, 22 * 60.0, "unknown"),  # those of the one before had to stay: it was never available
        (None, None, "unknown"),  # nobody measures containers
    ],
)
async def test_a_release_that_took_over_and_lasted_ran_well(
    pods_beside: float | None, lasted: float | None, state: str
) -> None:
    asked: list[str] = []

    def answer(arguments: Mapping[str, Any]) -> dict[str, Any]:
        query = str(arguments["query"])
        asked.append(query)
        value = None if "kube_" in query else pods_beside if query.startswith("count(") else lasted
        series = [] if value is None else [{"labels": {}, "samples": [[NOON.timestamp(), value]]}]
        return {"result_type": "vector", "series": series}

    known = [
        _revision(3, 2, "cart-7b5746f969"),
        _revision(2, 25, "cart-57db74b4f8"),
        _revision(1, 60, "cart-ddd858b67"),
    ]
    proof = await proof_of(ScriptedTools({"prometheus.query_instant": answer}), CART, known[1], known)
    assert (proof.state, proof.lately) == (state, state == "well")
    (counted,) = [query for query in asked if query.startswith("count(")]
    assert f"@ {(NOON - timedelta(minutes=2)).timestamp() - 30:.0f}" in counted
    (every, own) = re.findall(r'pod=~"(.*?)"', counted.replace("\\\\", "\\"))
    assert re.fullmatch(every, "cart-ddd858b67-x2b4k")
    assert not re.fullmatch(every, "cart-admin-ddd858b67-x2b4k")
    assert re.fullmatch(own, "cart-57db74b4f8-x2b4k")
    assert not re.fullmatch(own, "cart-ddd858b67-x2b4k")
