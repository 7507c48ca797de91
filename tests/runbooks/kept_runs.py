"""Runs with evidence, an investigation, a table, a chart and words: what bundles are tested with.

`evidence` and `found` are used in the kernel, through the cells of `CELLS`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

from runbooks.investigations import DEPLOYMENT, END, WINDOW, investigation

from autodevops.domain.evidence import Evidence
from autodevops.domain.finding import Finding
from autodevops.domain.investigation import Investigation
from autodevops.domain.run import Run
from autodevops.runbooks.bundle import Bundle

PLOTLY = "application/vnd.plotly.v1+json"
SECRET = "hunter2-hunter2"
PARAMETERS: dict[str, dict[str, Any]] = {
    "errors": {"type": "int", "default": 30, "help": "per cent of requests that fail"},
    "end": {"type": "str", "default": "well", "choices": ["well", "badly"], "help": "how it ends"},
}

CELLS = [
    "#md # Probe",
    f"import sys; sys.path.insert(0, {str(Path(__file__).parents[1])!r})\n"
    "from datetime import UTC, datetime\n"
    "from IPython.display import display\n"
    "from runbooks import kept_runs\n"
    "from autodevops.runbooks.keeper import keeper_of_this_run\n"
    "keeper = keeper_of_this_run()\n"
    "for item in kept_runs.evidence(errors): keeper.evidence(item)",
    "if end == 'badly': raise RuntimeError('the payment gateway is on fire')",
    "keeper.investigation(kept_runs.found(errors))",
    "#md ## Failures",
    "display({'text/html': kept_runs.table(errors)}, raw=True)",
    "#md ## Over time",
    "display({'application/vnd.plotly.v1+json': kept_runs.figure(errors)}, raw=True)",
    "#md ## In words",
    "print(f'{datetime.now(UTC):%Y-%m-%d %H:%M:%S}: {errors} % fail, seen by {object()!r}')",
]


def evidence(errors: int) -> list[Evidence]:
    series = [
        {"labels": {"service": name}, "samples": [[END.timestamp() - 30.0 * step, errors / 100] for step in range(200)]}
        for name in ("payment", "checkout")
    ]
    records = [
        {
            "timestamp": (END - timedelta(seconds=step)).isoformat().replace("+00:00", "Z"),
            "body": f"charge {step} failed",
            "severity": "error",
            "attributes": {"pod": "payment-1"},
            "trace_id": "",
        }
        for step in range(60)
    ]
    pods: Any = {"items": [{"metadata": {"name": "payment-1", "note": SECRET}}], "truncated": False}
    return [
        _asked("prometheus.query_range", "error_ratio", {"result_type": "matrix", "series": series, "note": ""}),
        _asked("loki.query_logs", '{app="payment"}', {"records": records, "truncated": False}),
        _asked("kubernetes.list_resources", "Pod namespace=shop", pods),
        _asked("tempo.search", "{status=error}", None, error="unavailable: no answer"),
    ]


def found(errors: int) -> Investigation:
    base = investigation()
    finding = Finding(
        rule_id="MET001",
        reason="ErrorRateIncreased",
        subject=DEPLOYMENT,
        severity="critical" if errors > 20 else "warning",
        message=f"payment fails {errors} % of its requests.",
        confidence=0.9,
        evidence=(base.evidence[0].id,),
    )
    causes = tuple(one.model_copy(update={"confidence": errors / 100}) for one in base.hypotheses)
    return base.model_copy(
        update={
            "id": f"inv-{errors:012d}",
            "findings": (finding,),
            "hypotheses": causes if errors > 5 else (),
            "verdict": "explained" if errors > 5 else "healthy",
        }
    )


def open_bundle(artifacts: Path) -> tuple[Bundle, Run]:
    """A run that has just begun, and nobody runs."""
    run = Run(
        id="20261124T040000000Z-abcdef",
        runbook="probe",
        title="Probe",
        trigger="manual",
        requested_by="",
        parameters={},
        status="running",
        started_at=END,
        source_digest="sha256:" + 64 * "0",
    )
    return Bundle.create(artifacts, run), run


def table(errors: int) -> str:
    rows = {"payment": (errors, 40), "checkout": (errors // 2, 41), "cart": (0, 42)}
    if errors > 20:
        rows["ledger"] = (1, 2)
    cells = "".join(f"<tr><td>{name}</td><td>{bad} %</td><td>{all_} /s</td></tr>" for name, (bad, all_) in rows.items())
    return (
        f"<table><thead><tr><th>service</th><th>errors</th><th>requests</th></tr></thead><tbody>{cells}</tbody></table>"
    )


def figure(errors: int) -> Mapping[str, Any]:
    lines = [
        {"type": "scatter", "name": name, "x": [1, 2, 3], "y": [0, errors, errors]} for name in ("payment", "cart")
    ]
    return {"data": lines, "layout": {"title": {"text": "<b>Errors</b><span> UTC</span>"}}}


def _asked(tool: str, query: str, data: Any, error: str | None = None) -> Evidence:
    return Evidence.record(
        tool=tool,
        arguments={"query": query},
        query=query,
        window=WINDOW,
        data=json.loads(json.dumps(data)),
        truncated=False,
        error=error,
        collected_at=END,
        duration_ms=3.0,
    )
