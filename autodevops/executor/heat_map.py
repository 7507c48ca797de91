"""The decision matrix with every decision so far on it, as data: what `act decisions` prints and the portal draws."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from autodevops.domain.decision import BANDS
from autodevops.domain.operation import Operation
from autodevops.domain.risk import RISKS


def heat_map(operations: Iterable[Operation], matrix: Mapping[Any, Mapping[Any, str]]) -> dict[str, Any]:
    """Every decision in its square, confidence by risk: what the matrix says there, and how many came to which end."""
    cells: dict[tuple[str, str], dict[str, int]] = {}
    rows = []
    for operation in operations:
        decision = operation.decision
        if decision is None:
            continue
        counted = cells.setdefault((decision.band, decision.risk), {})
        counted[decision.verdict] = counted.get(decision.verdict, 0) + 1
        rows.append(
            {
                "operation": operation.id,
                "action": operation.proposal.action.kind,
                "subject": str(operation.proposal.action.subject),
                "by_person": operation.proposal.by_person,
                "confidence": decision.confidence,
                "band": decision.band,
                "risk": decision.risk,
                "verdict": decision.verdict,
                "decided_at": decision.decided_at.isoformat(),
                "result": operation.outcome.result if operation.outcome else None,
            }
        )
    squares = [
        {"confidence": band, "risk": risk, "matrix": matrix[band][risk], "decisions": cells.get((band, risk), {})}
        for band in BANDS
        for risk in RISKS
    ]
    return {"cells": squares, "decisions": rows}
