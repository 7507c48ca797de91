"""The shipped runbooks on the sandbox, in an incident and on a healthy day; each sandbox is started once for all."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from autodevops.domain.run import Run
from autodevops.kernel.clock import utc_now
from autodevops.runbooks import Catalogue, Means, RunQueue, RunRecord, RunRequest
from autodevops.runbooks.kernels import KernelPool
from autodevops.sandbox import Sandbox

RUNBOOKS = Path(__file__).parents[2] / "runbooks"
NOWHERE = "no-such-namespace"


EVERY = {  # whether the incident is what the runbook is about
    "crash-loop": True,
    "oom-and-rightsizing": True,
    "workload-deep-dive": True,
    "image-pull": False,
    "pending-pods": False,
    "pvc-and-disk": False,
    "dns": False,
    "ingress-and-certificates": False,
    "hpa-and-capacity": False,
    "cron-and-job-health": False,
}


# A run costs ten seconds of processor time; all of them run where AUTODEVOPS_TEST_EVERY_RUNBOOK is set.
_ALL = bool(os.environ.get("AUTODEVOPS_TEST_EVERY_RUNBOOK"))
IN_INCIDENT = EVERY if _ALL else {name: EVERY[name] for name in ("oom-and-rightsizing",)}
IN_HEALTH = tuple(EVERY) if _ALL else ("workload-deep-dive",)


@dataclass(frozen=True)
class Ran:
    """What runs of shipped runbooks on one sandbox left, by the name that the plan gave them."""

    culprit: str
    records: dict[str, RunRecord]

    def of(self, name: str) -> tuple[RunRecord, str]:
        record = self.records[name]
        return record, (record.folder / "notebook.ipynb").read_text()


async def _ran(scenario: str, folder: Path, plan: Mapping[str, tuple[str, Mapping[str, str]]]) -> Ran:
    catalogue = Catalogue(RUNBOOKS)
    with Sandbox(scenario=scenario, seed=1) as sandbox:
        sandbox.write_kubeconfig(folder / "kubeconfig")
        environment = {**sandbox.environment(), "KUBECONFIG": str(folder / "kubeconfig")}
        async with KernelPool(1) as pool:
            means = Means(folder / "artifacts", utc_now, kernels=pool, environment=environment)
            async with RunQueue(means) as queue:
                handles = {
                    name: queue.submit(RunRequest(catalogue.load(runbook), values))
                    for name, (runbook, values) in plan.items()
                }
                records = {name: await handle.result() for name, handle in handles.items()}
        return Ran(sandbox.truth.subject.name if sandbox.truth.subject else "", records)


def _plan(names: Iterable[str], workload: str) -> dict[str, tuple[str, Mapping[str, str]]]:
    extra = {"workload-deep-dive": {"workload": workload}}
    return {name: (name, {"namespace": "shop", **extra.get(name, {})}) for name in names}


@pytest.fixture(scope="module")
def incident(tmp_path_factory: pytest.TempPathFactory) -> Ran:
    plan = {"namespace-health": ("namespace-health", {"namespace": "shop"}), **_plan(IN_INCIDENT, "recommendation")}
    return asyncio.run(_ran("memory-leak", tmp_path_factory.mktemp("incident"), plan))


@pytest.fixture(scope="module")
def healthy(tmp_path_factory: pytest.TempPathFactory) -> Ran:
    plan = {
        "namespace-health": ("namespace-health", {}),
        "nowhere": ("namespace-health", {"namespace": NOWHERE}),
        **_plan(IN_HEALTH, "cart"),
    }
    return asyncio.run(_ran("healthy", tmp_path_factory.mktemp("healthy"), plan))


def _succeeded(run: Run) -> None:
    assert run.status == "succeeded", run.error
    assert {cell.status for cell in run.cells} == {"succeeded"}


def test_incident_is_explained_with_its_cause_charts_and_queries(incident: Ran) -> None:
    record, notebook = incident.of("namespace-health")
    _succeeded(record.run)
    page = (record.folder / "report.html").read_text()
    assert "Explained." in page
    causes = _output_after(notebook, "## Candidate causes")
    assert incident.culprit in causes
    assert "plotly" in _output_after(notebook, "## What was seen")
    assert "prometheus.query_range" in _output_after(notebook, "## Evidence")


def test_healthy_day_is_called_healthy_and_nothing_is_blamed(healthy: Ran) -> None:
    record, notebook = healthy.of("namespace-health")
    _succeeded(record.run)
    assert "Healthy." in (record.folder / "report.html").read_text()
    assert "None." in _output_after(notebook, "## Candidate causes")


def test_unknown_namespace_fails_the_run_and_is_named_in_manifest_and_page(healthy: Ran) -> None:
    record, _notebook = healthy.of("nowhere")
    assert record.status == "failed"
    assert record.run.error is not None
    assert record.run.error.kind == "UsageError"
    assert NOWHERE in record.run.error.message
    assert NOWHERE in (record.folder / "report.html").read_text()


@pytest.mark.parametrize(("name", "its_own"), IN_INCIDENT.items(), ids=IN_INCIDENT)
def test_leak_is_found_by_the_runbooks_it_concerns_and_pointed_at_by_the_others(
    incident: Ran, name: str, its_own: bool
) -> None:
    culprit = incident.culprit
    assert culprit
    record, notebook = incident.of(name)
    _succeeded(record.run)
    answer = _first_answer(notebook)
    assert ("Found." if its_own else "Not this problem.") in answer
    assert culprit in answer
    assert (culprit in _output_after(notebook, "## Likely causes")) == its_own


@pytest.mark.parametrize("name", IN_HEALTH)
def test_healthy_day_is_said_to_be_well(healthy: Ran, name: str) -> None:
    record, notebook = healthy.of(name)
    _succeeded(record.run)
    assert "All is well." in _first_answer(notebook)
    assert "None." in _output_after(notebook, "## Likely causes")


def _first_answer(notebook: str) -> str:
    """What the first code cell after the parameters put out."""
    return json.dumps(
        next(cell["outputs"] for cell in json.loads(notebook)["cells"] if cell.get("outputs")), ensure_ascii=False
    )


def _output_after(notebook: str, heading: str) -> str:
    """What the code cell after the Markdown cell with this heading put out."""
    cells = json.loads(notebook)["cells"]
    place = next(i for i, cell in enumerate(cells) if "".join(cell["source"]).startswith(heading))
    return json.dumps(cells[place + 1]["outputs"], ensure_ascii=False)
