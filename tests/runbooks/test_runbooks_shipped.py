"""The shipped runbook on the sandbox, in an incident and on a healthy day."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from autodevops.domain.run import Run
from autodevops.kernel.clock import utc_now
from autodevops.runbooks import Catalogue, RunRecord, RunRequest, run_runbook
from autodevops.sandbox import Sandbox

RUNBOOKS = Path(__file__).parents[2] / "runbooks"


def _run(tmp_path: Path, scenario: str, **parameters: Any) -> tuple[RunRecord, str, Any]:
    runbook = Catalogue(RUNBOOKS).load("namespace-health")
    with Sandbox(scenario=scenario, seed=1) as sandbox:
        kubeconfig = tmp_path / "kubeconfig"
        sandbox.write_kubeconfig(kubeconfig)
        record = run_runbook(
            RunRequest(runbook, parameters),
            artifacts=tmp_path / "artifacts",
            clock=utc_now,
            environment={**sandbox.environment(), "KUBECONFIG": str(kubeconfig)},
        )
        return record, (record.folder / "notebook.ipynb").read_text(), sandbox.truth


def _succeeded(run: Run) -> None:
    assert run.status == "succeeded", run.error
    assert {cell.status for cell in run.cells} == {"succeeded"}


def test_incident_is_explained_with_its_cause_charts_and_queries(tmp_path: Path) -> None:
    record, notebook, truth = _run(tmp_path, "bad-deploy", namespace="shop")
    _succeeded(record.run)
    page = (record.folder / "report.html").read_text()
    assert "Explained." in page
    causes = _output_after(notebook, "## Candidate causes")
    assert truth.subject.name in causes
    assert "plotly" in _output_after(notebook, "## What was seen")
    assert "prometheus.query_range" in _output_after(notebook, "## Evidence")


def test_healthy_day_is_called_healthy_and_nothing_is_blamed(tmp_path: Path) -> None:
    record, notebook, _truth = _run(tmp_path, "healthy")
    _succeeded(record.run)
    assert "Healthy." in (record.folder / "report.html").read_text()
    assert "None." in _output_after(notebook, "## Candidate causes")


@pytest.mark.parametrize("namespace", ["no-such-namespace"])
def test_unknown_namespace_fails_the_run_and_is_named_in_manifest_and_page(tmp_path: Path, namespace: str) -> None:
    record, _notebook, _truth = _run(tmp_path, "healthy", namespace=namespace)
    assert record.status == "failed"
    assert record.run.error is not None
    assert record.run.error.kind == "UsageError"
    assert namespace in record.run.error.message
    assert namespace in (record.folder / "report.html").read_text()


def _output_after(notebook: str, heading: str) -> str:
    """What the code cell after the Markdown cell with this heading put out."""
    cells = json.loads(notebook)["cells"]
    place = next(i for i, cell in enumerate(cells) if "".join(cell["source"]).startswith(heading))
    return json.dumps(cells[place + 1]["outputs"], ensure_ascii=False)
