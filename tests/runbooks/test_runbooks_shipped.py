"""Every shipped runbook on the sandbox: where what it is about is wrong, and on a healthy day.

Two small worlds serve all of them, one with a fault for each in a namespace of its own. What must be said comes from
that scenario's truth.
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from patience import patient

from autodevops.domain.incident import Incident, Resolution, incident_of
from autodevops.domain.run import GOOD
from autodevops.executor import approvals
from autodevops.kernel.clock import utc_now
from autodevops.kernel.person import person
from autodevops.runbooks import Catalogue, KernelPool, Means, RunQueue, RunRecord, RunRequest
from autodevops.runbooks.evidence import read_investigation
from autodevops.runbooks.gates import AnsweringGate
from autodevops.sandbox import Sandbox
from autodevops.sandbox.world.scenario import Scenario, Truth, load_scenario
from autodevops.settings import ExecutorSettings
from autodevops.stores.incidents import open_incident
from autodevops.stores.sqlite_ledger import SqliteLedger

RUNBOOKS = Catalogue(Path(__file__).parents[2] / "runbooks")
FAULTS = load_scenario(Path(__file__).with_name("many_faults.yaml"))
HEALTHY = Scenario(name="healthy-kiosk", title="All is well", topology=FAULTS.topology, truth=Truth(verdict="healthy"))
NOWHERE = "no-such-namespace"

CHANGING = {
    "AUTODEVOPS_KUBERNETES__ALLOW_WRITES": "true",
    "AUTODEVOPS_EXECUTOR__APPROVERS": person(),
    "AUTODEVOPS_EXECUTOR__APPROVALS_FOR_HIGH_RISK": "1",
    "AUTODEVOPS_EXECUTOR__PROTECTED_NAMESPACES": "[]",  # a pod of CoreDNS runs on the node that is drained
}
Plan = dict[str, tuple[str, dict[str, Any]]]

ABOUT = {  # which of the scenario's causes each runbook is to name
    "namespace-health": "BadRollout",
    "workload-deep-dive": "BadRollout",
    "error-burst": "BadRollout",
    "deploy-comparison": "BadRollout",
    "latency-by-trace": "BadRollout",
    "slo-and-error-budget": "BadRollout",
    "alert-noise": "BadRollout",
    "postmortem": "BadRollout",
    "incident": "BadRollout",
    "crash-loop": "CommandNotFound",
    "oom-and-rightsizing": "OOMKilled",
    "image-pull": "ImageNotFound",
    "pending-pods": "InsufficientCPU",
    "pvc-and-disk": "StorageClassMissing",
    "dns": "PodDNSWrong",
    "ingress-and-certificates": "IngressBackendMissing",
    "hpa-and-capacity": "HPATargetMissing",
    "cron-and-job-health": "JobFailed",
    "quota-report": "PodQuotaExceeded",
    "cost-and-waste": "IdleRequests",
    "node-health-and-drain": "DiskPressure",
    "security-and-rbac-review": "PrivilegedContainer",
    "daily-handoff": "BadRollout",
}
GIVEN: dict[str, dict[str, Any]] = {
    "workload-deep-dive": {"workload": "cart"},
    "latency-by-trace": {"traces_read": 6},
    "incident": {"diagnosis": True},
    "slo-and-error-budget": {"window_hours": 1, "objective_percent": 99.0},
    "alert-noise": {"window_hours": 1},
    "daily-handoff": {"shift_hours": 1, "objective_percent": 99.0},
    "cost-and-waste": {"window_hours": 1, "waste_percent": 70},  # two thirds of what the kiosk asks for are idle
}
NAMED = {"alert-noise": "HighErrorRate"}  # where it is not the cause's own name
OF_ONE = ("postmortem", "incident")  # these tell of an incident that is in the ledger
JUDGED = [  # those that show one problem out of an investigation
    name for name in ABOUT if "## Likely causes" in RUNBOOKS.load(name).source.decode()
]


@dataclass(frozen=True)
class Ran:
    """What the runs on one sandbox left."""

    records: dict[str, RunRecord]

    def notebook(self, name: str) -> Any:
        return json.loads((self.records[name].folder / "notebook.ipynb").read_text())

    def headline(self, name: str) -> str:
        """What the first cell that says something says."""
        shown = (output["data"] for output in _outputs(self.notebook(name)) if "data" in output)
        return "".join(next(shown)["text/markdown"])

    def after(self, name: str, heading: str, which: int = 1) -> str:
        """What the first code cell after the Markdown cell with this heading put out, or a later one."""
        cells = self.notebook(name)["cells"]
        place = next(i for i, cell in enumerate(cells) if "".join(cell["source"]).startswith(heading))
        return json.dumps(cells[place + which]["outputs"], ensure_ascii=False)


def _outputs(notebook: Any) -> Any:
    return (output for cell in notebook["cells"] for output in cell.get("outputs", ()))


async def _ran(scenario: Scenario, folder: Path, *waves: Plan) -> Ran:
    """Wave after wave; from the second on there is an incident, and the other runs are in the ledger."""
    records: dict[str, RunRecord] = {}
    with Sandbox(scenario, seed=1) as sandbox, SqliteLedger(folder / "ledger") as ledger:
        sandbox.write_kubeconfig(folder / "kubeconfig")
        own = {"KUBECONFIG": str(folder / "kubeconfig"), "AUTODEVOPS_LEDGER__FOLDER": str(folder / "ledger")}
        environment = {**patient(sandbox), **own, **CHANGING}
        async with KernelPool(1) as pool:
            means = Means(
                folder / "artifacts",
                utc_now,
                ledger=ledger,
                kernels=pool,
                gate=AnsweringGate(),
                environment=environment,
            )
            answering = asyncio.ensure_future(_say_yes(ledger))
            async with RunQueue(means, at_once=2) as queue:
                for place, plan in enumerate(waves):
                    if place == 1:
                        opened = _incident(records["namespace-health"])
                        open_incident(ledger, opened, actor="tests")
                        ended = Resolution(at=utc_now(), words="It went by itself.")
                        changed = {"id": "inc-0", "title": "The till was slow.", "resolution": ended}
                        open_incident(ledger, opened.model_copy(update=changed), actor="tests")
                    handles = {
                        name: queue.submit(RunRequest(RUNBOOKS.load(runbook), values))
                        for name, (runbook, values) in plan.items()
                    }
                    records |= {name: await handle.result() for name, handle in handles.items()}
            answering.cancel()
    return Ran(records)


async def _say_yes(ledger: SqliteLedger) -> None:
    settings = ExecutorSettings(approvers=(person(),), approvals_for_high_risk=1)
    while True:
        for one in approvals.waiting(ledger, utc_now()):
            assert one.approval is not None
            approvals.answer(
                ledger, one.id, granted=True, digest=one.approval.digest, by=person(), where="tests", now=utc_now(),
                settings=settings,
            )  # fmt: skip
        await asyncio.sleep(0.2)


def _incident(record: RunRecord) -> Incident:
    found = read_investigation((record.folder / record.run.investigations[0].file).read_bytes())
    return incident_of(found, incident_id="inc-1", now=utc_now(), severity="major", title="", run=record.run.id)


def _cause(name: str) -> Any:
    causes = {FAULTS.truth.reason: FAULTS.truth.subject, **{cause.reason: cause.subject for cause in FAULTS.truth.also}}
    return causes[ABOUT[name]]


def _asked(name: str, namespace: str) -> tuple[str, dict[str, Any]]:
    takes = RUNBOOKS.load(name).front.parameters
    return name, {**({"namespace": namespace} if "namespace" in takes else {}), **GIVEN.get(name, {})}


@pytest.fixture(scope="module")
def faulty(tmp_path_factory: pytest.TempPathFactory) -> Ran:
    subjects = {name: _cause(name) for name in ABOUT}
    plan = {
        name: _asked(name, subject.namespace or (subject.name if subject.kind == "Namespace" else ""))
        for name, subject in subjects.items()
    }
    later = {name: plan.pop(name) for name in (*OF_ONE, "daily-handoff")}
    plan["elsewhere"] = _asked("image-pull", "shop")
    return asyncio.run(_ran(FAULTS, tmp_path_factory.mktemp("faulty"), plan, later))


@pytest.fixture(scope="module")
def healthy(tmp_path_factory: pytest.TempPathFactory) -> Ran:
    plan = {name: _asked(name, "shop") for name in ABOUT}
    later = {name: plan.pop(name) for name in OF_ONE}
    later["nowhere"] = ("namespace-health", {"namespace": NOWHERE})
    last: Plan = {"drain": ("node-health-and-drain", {"node": "node-1", "drain": True})}
    return asyncio.run(_ran(HEALTHY, tmp_path_factory.mktemp("healthy"), plan, later, last))


def test_each_runbook_that_is_shipped_is_tried() -> None:
    assert set(RUNBOOKS.names()) == set(ABOUT)


@pytest.mark.parametrize("name", ABOUT)
def test_what_is_wrong_is_named_first(name: str, faulty: Ran) -> None:
    record = faulty.records[name]
    assert record.status in GOOD, record.run.error
    assert (record.folder / "report.html").is_file()
    headline = faulty.headline(name)
    assert NAMED.get(name, _cause(name).name) in headline
    assert "All is well" not in headline
    assert "Not seen" not in headline


@pytest.mark.parametrize("name", JUDGED)
def test_its_cause_is_that_of_the_scenario(name: str, faulty: Ran) -> None:
    assert "**Found.**" in faulty.headline(name)
    causes = faulty.after(name, "## Likely causes")
    assert ABOUT[name] in causes
    assert _cause(name).name in causes


@pytest.mark.parametrize("name", [name for name in ABOUT if name not in OF_ONE])
def test_a_healthy_day_is_said_to_be_well(name: str, healthy: Ran) -> None:
    record = healthy.records[name]
    assert record.status in GOOD, record.run.error
    headline = healthy.headline(name)
    assert "**All is well.**" in headline or "**Healthy.**" in headline
    assert "Not seen" not in headline


@pytest.mark.parametrize("name", JUDGED)
def test_nothing_is_blamed_on_a_healthy_day(name: str, healthy: Ran) -> None:
    assert "None." in healthy.after(name, "## Likely causes")


def test_a_postmortem_without_a_cause_leaves_it_to_people(healthy: Ran) -> None:
    assert healthy.records["postmortem"].status == "succeeded"
    assert "the investigation has no candidate" in healthy.headline("postmortem")


def test_an_incident_that_was_none_says_that_nothing_was_done(healthy: Ran) -> None:
    assert healthy.records["incident"].status == "succeeded"
    assert "is healthy" in healthy.headline("incident")
    assert "Nothing was done." in healthy.after("incident", "## What was done")


def test_an_incident_is_shown_with_its_charts_and_queries(faulty: Ran) -> None:
    assert "plotly" in faulty.after("namespace-health", "## What was seen")
    assert "prometheus.query_range" in faulty.after("namespace-health", "## Evidence")


def test_the_handoff_tells_all_incidents_of_the_shift(faulty: Ran) -> None:
    headline = faulty.headline("daily-handoff")
    assert "inc-1" in headline
    assert "Incidents that ended: The till was slow" in headline
    assert "It went by itself." in faulty.after("daily-handoff", "## Incidents")


def test_a_runbook_about_another_problem_points_at_the_one_there_is(faulty: Ran) -> None:
    assert "**Not this problem.**" in faulty.headline("elsewhere")
    assert "cart" in faulty.headline("elsewhere")
    assert "None." in faulty.after("elsewhere", "## Likely causes")


def test_unknown_namespace_fails_the_run_and_is_named_in_manifest_and_page(healthy: Ran) -> None:
    record = healthy.records["nowhere"]
    assert record.status == "failed"
    assert record.run.error is not None
    assert record.run.error.kind == "UsageError"
    assert NOWHERE in record.run.error.message
    assert NOWHERE in (record.folder / "report.html").read_text()


def test_only_a_drain_that_was_asked_for_changes_something_and_it_goes_through_the_executor(healthy: Ran) -> None:
    report, drained = healthy.records["node-health-and-drain"], healthy.records["drain"]
    assert report.status == "stopped_early"
    assert drained.status == "succeeded", drained.run.error
    assert "Node node-1 is cordoned, and its pods have left." in healthy.after("drain", "## The drain", 2)
    assert "its 3 pods have left" in healthy.after("drain", "## The drain", 3)
    assert drained.run.rollback == ""
