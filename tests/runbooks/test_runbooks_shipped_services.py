"""The shipped runbooks about requests, releases, costs and alerts: on a bad release, and on a healthy day.

Each world is served once and asked by all of them through one queue. What must be said comes from the scenario.
"""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from autodevops.kernel.clock import utc_now
from autodevops.runbooks import Catalogue, KernelPool, Means, RunQueue, RunRecord, RunRequest
from autodevops.sandbox import Sandbox

RUNBOOKS = Catalogue(Path(__file__).parents[2] / "runbooks")
SLOW = {f"AUTODEVOPS_{system}__TIMEOUT_SECONDS": "60" for system in ("KUBERNETES", "PROMETHEUS", "LOKI", "TEMPO")}
ASKED: dict[str, dict[str, Any]] = {
    "error-burst": {},
    "deploy-comparison": {},
    "latency-by-trace": {"traces_read": 6},
    "slo-and-error-budget": {"window_hours": 1, "objective_percent": 99.0},
    "alert-noise": {"window_hours": 1},
    "cost-and-waste": {"window_hours": 1},
    "quota-report": {},
}
Told = dict[str, tuple[RunRecord, str]]


def _run_all(scenario: str, folder: Path) -> tuple[Told, Any]:
    """Every runbook's record and the text of its outputs, and the scenario's truth."""

    async def run(environment: dict[str, str]) -> list[RunRecord]:
        means = Means(folder / "artifacts", utc_now, kernels=KernelPool(1), environment=environment)
        async with RunQueue(means, at_once=2) as queue:
            handles = [
                queue.submit(RunRequest(RUNBOOKS.load(name), {"namespace": "shop", **values}))
                for name, values in ASKED.items()
            ]
            return [await handle.result() for handle in handles]

    with Sandbox(scenario=scenario, seed=1) as sandbox:
        kubeconfig = folder / "kubeconfig"
        sandbox.write_kubeconfig(kubeconfig)
        ledger = {"AUTODEVOPS_LEDGER__FOLDER": str(folder / "ledger")}
        records = asyncio.run(run({**sandbox.environment(), "KUBECONFIG": str(kubeconfig), **SLOW, **ledger}))
        return {record.runbook: (record, _outputs(record)) for record in records}, sandbox.truth


def _outputs(record: RunRecord) -> str:
    notebook = json.loads((record.folder / "notebook.ipynb").read_text())
    return json.dumps([cell.get("outputs", []) for cell in notebook["cells"]], ensure_ascii=False)


@pytest.fixture(scope="module")
def broken(tmp_path_factory: pytest.TempPathFactory) -> tuple[Told, Any]:
    return _run_all("bad-deploy", tmp_path_factory.mktemp("broken"))


@pytest.fixture(scope="module")
def healthy(tmp_path_factory: pytest.TempPathFactory) -> Told:
    return _run_all("healthy", tmp_path_factory.mktemp("healthy"))[0]


@pytest.mark.parametrize("name", ASKED)
def test_every_cell_runs_in_trouble_and_on_a_healthy_day(name: str, broken: tuple[Told, Any], healthy: Told) -> None:
    for record, _ in (broken[0][name], healthy[name]):
        assert record.status == "succeeded", record.run.error
        assert (record.folder / "report.html").is_file()


@pytest.mark.parametrize("name", ["error-burst", "deploy-comparison", "latency-by-trace", "slo-and-error-budget"])
def test_what_is_broken_is_named(name: str, broken: tuple[Told, Any]) -> None:
    told, truth = broken
    assert truth.subject.name in told[name][1]


def test_alerts_that_fire_are_told(broken: tuple[Told, Any]) -> None:
    assert "HighErrorRate" in broken[0]["alert-noise"][1]


@pytest.mark.parametrize("name", ["error-burst", "deploy-comparison", "slo-and-error-budget"])
def test_a_healthy_day_blames_nobody(name: str, broken: tuple[Told, Any], healthy: Told) -> None:
    first = _first_line(healthy[name][0])
    assert first != _first_line(broken[0][name][0])
    assert "payment" not in first


def _first_line(record: RunRecord) -> str:
    notebook = json.loads((record.folder / "notebook.ipynb").read_text())
    shown = (
        "".join(output["data"].get("text/markdown", output["data"].get("text/plain", "")))
        for cell in notebook["cells"]
        for output in cell.get("outputs", [])
        if "data" in output
    )
    return next(shown)
