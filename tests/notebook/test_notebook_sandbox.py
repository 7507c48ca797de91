"""`Jamie`, the library, the magics and answers as cells, over one sandbox and in one kernel.

One module, because a sandbox and a kernel cost more than all that is asked of them here.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import nbformat
import pandas as pd
import pytest
from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.manager import start_new_kernel
from patience import patient

from autodevops import Jamie, kube, logs, metrics, tools, traces
from autodevops.domain.window import TimeWindow
from autodevops.kernel.errors import AutoDevOpsError, SettingsError, ToolNotFound, ToolRejected, UsageError
from autodevops.notebook import Answer, changes
from autodevops.runbooks.keeper import VARIABLE, variables
from autodevops.sandbox import Sandbox

ROOT = Path(__file__).parents[2]
RATE = 'sum by (service) (rate(http_server_request_duration_seconds_count{namespace="shop"}[2m]))'


@pytest.fixture(scope="module")
def systems(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The environment of a person whose systems are a sandbox with a bad deploy."""
    kubeconfig = tmp_path_factory.mktemp("notebook") / "kubeconfig"
    with Sandbox(scenario="bad-deploy", seed=1) as sandbox:
        sandbox.write_kubeconfig(kubeconfig)
        yield {**patient(sandbox), "AUTODEVOPS_INVESTIGATION__NAMESPACE": "shop", "KUBECONFIG": str(kubeconfig)}
        tools.close()


@pytest.fixture
def _incident(systems: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in systems.items():
        monkeypatch.setenv(name, value)


@pytest.fixture(scope="module")
def _keeping(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The kernel is a run's kernel: what it asks is kept in a folder."""
    return tmp_path_factory.mktemp("kept")


@dataclass
class Kernel:
    client: BlockingKernelClient
    kept: Path

    def run(self, source: str) -> list[dict[str, Any]]:
        """The outputs of a cell that succeeds."""
        outputs: list[dict[str, Any]] = []
        reply = self.client.execute_interactive(source, timeout=300, output_hook=outputs.append)
        assert reply["content"]["status"] == "ok", (source, [each["content"] for each in outputs])
        return [each["content"] for each in outputs if each["msg_type"] in ("execute_result", "display_data")]

    def error(self, source: str) -> str:
        """What a cell that fails shows."""
        outputs: list[dict[str, Any]] = []
        self.client.execute_interactive(source, timeout=300, output_hook=outputs.append)
        return next("\n".join(each["content"]["traceback"]) for each in outputs if each["msg_type"] == "error")

    def value(self, expression: str) -> Any:
        shown = self.run(f"import json; print_me = json.dumps({expression}); print_me")
        return json.loads(eval(shown[-1]["data"]["text/plain"]))

    def offers(self, text: str) -> list[str]:
        """What Tab offers at the end of a cell; asked again while the systems still think about it."""
        for _ in range(20):
            request = self.client.complete(text, len(text))
            while (reply := self.client.get_shell_msg(timeout=180))["parent_header"].get("msg_id") != request:
                continue
            content = reply["content"]
            if content["matches"]:
                return [text[: content["cursor_start"]] + match for match in content["matches"]]
        return []


@pytest.fixture(scope="module")
def kernel(systems: dict[str, str], _keeping: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kernel]:
    environment = {**os.environ, **systems, **variables(_keeping, ()), "IPYTHONDIR": str(tmp_path_factory.mktemp("ip"))}
    manager, client = start_new_kernel(kernel_name="python3", env=environment, stderr=subprocess.DEVNULL)
    try:
        ready = Kernel(client, _keeping)
        ready.run("%load_ext autodevops")
        yield ready
    finally:
        client.stop_channels()
        manager.shutdown_kernel()


@pytest.mark.usefixtures("_incident")
def test_an_answer_shows_its_evidence_and_the_same_jamie_investigates() -> None:
    async def cell() -> tuple[Answer, str]:
        async with Jamie(namespace="shop") as jamie:
            answer = await jamie.ask_async("Why are checkouts failing?")
            verdict = (await jamie.investigate_async()).verdict
            with pytest.raises(AutoDevOpsError, match="no-such-namespace"):
                jamie.investigate(namespace="no-such-namespace")
            with pytest.raises(UsageError, match="empty"):
                jamie.ask("  ")
        return answer, verdict

    answer, verdict = asyncio.run(cell())
    assert verdict == "explained"
    assert "payment" in str(answer)
    shown = answer._repr_markdown_()
    assert all(f"`{item.id}`" in shown for item in answer.evidence)
    assert {chart.type for chart in answer.charts} == {"metric", "trace", "logs", "service_map"}


def test_broken_settings_are_named_and_read_again_at_the_next_question(monkeypatch: pytest.MonkeyPatch) -> None:
    with Jamie() as jamie:
        monkeypatch.setenv("AUTODEVOPS_PROMETHEUS__URL", "not a url")
        with pytest.raises(SettingsError, match=r"prometheus\.url"):
            jamie.ask("anything wrong?")
        monkeypatch.setenv("AUTODEVOPS_LOKI__URL", "also wrong")
        monkeypatch.delenv("AUTODEVOPS_PROMETHEUS__URL")
        with pytest.raises(SettingsError, match=r"loki\.url"):
            jamie.ask("anything wrong?")


@pytest.mark.usefixtures("_incident")
def test_results_are_tables_by_time_that_know_their_evidence() -> None:
    rates = metrics.range(RATE, "last 30 min", step=60)
    assert str(rates.index.dtype).endswith(", UTC]")
    assert {"payment", "checkout"} <= set(rates.columns)
    facts = rates.attrs["evidence"]
    assert (facts["query"], facts["truncated"]) == (RATE, False)
    again = metrics.range(RATE, start=facts["arguments"]["start"], end=facts["arguments"]["end"], step=60)
    assert again.attrs["evidence"]["id"] == facts["id"]
    part = rates.iloc[:3]
    assert part.evidence is rates.evidence
    shown = rates._repr_mimebundle_()
    assert "sendChartToCloud" in str(shown["application/vnd.plotly.v1+json"]["config"]["modeBarButtonsToRemove"])
    assert "the first 20 rows" in shown["text/html"]

    assert shown["image/svg+xml"].startswith("<svg")
    for other in (rates.T, rates > 1):  # made of it, and no time series
        assert set(other._repr_mimebundle_()) == {"text/plain", "text/html"}

    at = datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=5)
    assert set(metrics.instant("up", at).index) == {pd.Timestamp(at)}
    assert metrics.instant("process_resident_memory_bytes").attrs["unit"] == "By"
    lines = logs.query('{namespace="shop"} |= "error"', "10m", limit=20)
    assert lines.index.is_monotonic_increasing
    assert (len(lines), lines.attrs["evidence"]["truncated"]) == (20, True)
    assert "The answer was cut" in lines.caption
    assert not logs.range('sum by (app) (rate({namespace="shop"}[1m]))', start="-10m").empty
    found = traces.search("{status=error}", timedelta(minutes=20))
    spans = traces.get(found.trace_id.iloc[0])
    assert spans.attrs["units"] == {"duration_ms": "ms"}
    assert "error" in set(spans.status)
    assert "payment" in "".join(kube.get("pods", namespace="shop").index)
    assert kube.get("Deployment", "payment", "shop").value["metadata.name"] == "payment"
    assert str(kube.events("shop").index.dtype).endswith(", UTC]")
    assert "HighErrorRate" in set(metrics.alerts().alert)
    assert "services" in set(tools.call("prometheus.list_rules").group)


@pytest.mark.usefixtures("_incident")
def test_changes_of_a_whole_shift_are_told_edits_and_merges() -> None:
    now = datetime.now(UTC)
    shift, missing = changes.seen("shop", TimeWindow.ending(now, timedelta(hours=12)))
    assert missing == ()
    assert {one.kind for one in shift} >= {"config", "commit"}
    assert any(now - one.at > timedelta(hours=1) for one in shift if one.kind == "config")
    hour, _ = changes.seen("shop", TimeWindow.ending(now, timedelta(hours=1)))
    assert set(hour) == {one for one in shift if now - one.at <= timedelta(hours=1)}


@pytest.mark.usefixtures("_incident")
def test_errors_say_what_to_fix() -> None:
    with pytest.raises(ToolRejected, match=r"\n    sum\(rate\(up\[5m\]\)\n {20}\^\n"):
        metrics.range("sum(rate(up[5m])")
    with pytest.raises(ToolRejected, match=r'\{a="b"\n {10}\^'):
        logs.query('{a="b"')
    with pytest.raises(ToolRejected, match=r"\{status=\}\n {12}\^"):
        traces.search("{status=}")
    with pytest.raises(ToolNotFound, match="Did you mean payment"):
        kube.get("Deployment", "paymnt", "shop")
    with pytest.raises(ToolRejected, match=r"no tool kubernetes\.delete_pod"):
        tools.call("kubernetes.delete_pod", name="x", namespace="shop")


@pytest.mark.usefixtures("_incident")
def test_a_forked_child_opens_its_own_connection_and_leaves_the_parents_alone() -> None:
    program = """
import os
from autodevops import metrics, tools
assert len(metrics.instant("up"))
child = os.fork()
if not child:
    ok = len(metrics.instant("up")) > 0
    tools.close()
    os._exit(0 if ok else 1)
assert os.waitpid(child, 0)[1] == 0
assert len(metrics.instant("up"))
"""
    since_312 = "ignore:This process:DeprecationWarning"  # whoever forks beside threads is warned; this is about that
    command = [sys.executable, "-W", since_312, "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.usefixtures("_incident")
def test_an_answer_run_again_as_a_notebook_gives_the_answers_it_was_made_of(kernel: Kernel, tmp_path: Path) -> None:
    with Jamie(namespace="shop") as jamie:
        answer = jamie.ask("Why are checkouts failing?")
        path = answer.to_notebook(tmp_path / "answer.ipynb")
        with pytest.raises(UsageError, match="exists already"):
            jamie.to_notebook(path)
        assert json.loads(jamie.to_notebook(tmp_path / "all.ipynb").read_text()) == json.loads(path.read_text())
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            kernel.run(cell.source)
    assert [item.id for item in answer.evidence if f"[{item.id}]" in notebook.cells[0].source]
    moving = {"kubernetes.list_resources", "kubernetes.list_events", "prometheus.list_alerts"}  # as they are now
    seen = [item for item in answer.evidence if item.ok]
    for item in seen:
        name = item.id.replace("-", "_")
        if item.tool in moving:
            assert kernel.value(f"{name}.attrs['evidence']['arguments']") == item.arguments
        else:
            found = kernel.value(f"[{name}.attrs['evidence'][key] for key in ('digest', 'id')]")
            assert found == [item.digest, item.id], item.query
    kernel.run(f"compared = {notebook.cells[-1].source}")
    same = kernel.value("compared.same.to_dict()")
    assert all(same[item.id] for item in seen if item.tool not in moving)
    kept = {each.stem for each in kernel.kept.glob("ev-*.json")}
    assert {str(item.id) for item in seen if item.tool not in moving} <= kept


def test_magics_give_tables_and_tell_errors_in_a_few_lines(kernel: Kernel) -> None:
    (shown,) = kernel.run(f"%%promql --last 20m --as rates\n{RATE}")
    assert "application/vnd.plotly.v1+json" in shown["data"]
    assert kernel.value("[len(rates) > 10, 'payment' in rates]") == [True, True]
    kernel.run('%%logql --last 5m --limit 3 --as lines\n{namespace="shop"} |= "error"')
    kernel.run("%%traceql --limit 2 --as found\n{status=error}")
    kernel.run("%kube get pods -n shop --as pods")
    assert kernel.value("[len(lines), len(found), len(pods) > 5]") == [3, 2, True]
    assert kernel.error("%%promql\nsum(").startswith("ToolRejected: This PromQL is wrong.\n\n    sum(\n        ^")
    assert "unrecognized arguments: --wat" in kernel.error("%%promql --wat 3\nup")
    assert "changes go through the executor" in kernel.error("%kube delete pods x")
    (answer,) = kernel.run("%jamie Is anything unhealthy?")
    assert "payment" in answer["data"]["text/markdown"]


def test_results_show_as_views_in_a_persons_kernel_and_still_in_a_saved_file(kernel: Kernel) -> None:
    kernel.run(f"import os; of_run = os.environ.pop({VARIABLE!r})")
    kernel.run("from autodevops import investigate, logs, metrics, traces")
    cells = {
        f"metrics.range({RATE!r}, '10m')": ("image/svg+xml", "metric"),
        "lines = logs.query('{namespace=\"shop\"} |= \"error\"', '10m', limit=20); lines": ("text/html", "logs"),
        "traces.get(traces.search('{status=error}', '20m').trace_id.iloc[0])": ("image/svg+xml", "trace"),
        "found = investigate(namespace='shop'); found": ("text/html", "hypotheses"),  # no Jamie is needed for one
    }
    for source, (twin, kind) in cells.items():
        (shown,) = kernel.run(source)
        assert {"application/vnd.jupyter.widget-view+json", twin} <= set(shown["data"]), source
        model = shown["data"]["application/vnd.jupyter.widget-view+json"]["model_id"]
        assert kernel.value(f"__import__('ipywidgets').Widget.widgets[{model!r}].chart['type']") == kind
    assert kernel.value("found.hypotheses[0].reason") == "BadRollout"
    assert "(cut: " in kernel.value("__import__('autodevops.notebook.drawing').notebook.drawing.noun_of(lines).title")
    for rows in ("lines[['body']]", "lines.severity.value_counts()", "traces.search('{status=error}', limit=2)"):
        (shown,) = kernel.run(rows)
        assert "application/vnd.jupyter.widget-view+json" not in shown["data"], rows
    kernel.run(f"os.environ[{VARIABLE!r}] = of_run")


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("%%promql\nhttp_server_request_duration_seconds_c", "%%promql\nhttp_server_request_duration_seconds_count"),
        ("%%promql\nup{names", "%%promql\nup{namespace"),
        ('%%promql\nup{namespace="sh', '%%promql\nup{namespace="shop'),
        ("%%promql\nsum by (names", "%%promql\nsum by (namespace"),
        ('%%logql\n{namespace="sh', '%%logql\n{namespace="shop'),
        ("%%logql\n{names", "%%logql\n{namespace"),
        ("%%traceql\n{resource.service.na", "%%traceql\n{resource.service.name"),
        ('%%traceql\n{resource.service.name="pay', '%%traceql\n{resource.service.name="payment'),
        ("%kube get deplo", "%kube get deployments"),
        ("%kube get pods -n sh", "%kube get pods -n shop"),
        ("%%promql --las", "%%promql --last"),
    ],
)
def test_tab_offers_what_exists(kernel: Kernel, typed: str, offered: str) -> None:
    assert offered in kernel.offers(typed)


def test_the_tour_runs_from_top_to_bottom(kernel: Kernel) -> None:
    tour = nbformat.read(ROOT / "notebooks" / "library.ipynb", as_version=4)
    nbformat.validate(tour)
    for cell in tour.cells:
        if cell.cell_type == "code":
            assert kernel.run(cell.source) or cell.id == "open", cell.source
    assert kernel.value("[len(found) > 0, len(lines), bool(again.evidence.digest == asked['digest'])]") == [
        True,
        50,
        True,
    ]


def test_examples_in_the_documentation_run(kernel: Kernel, tmp_path: Path) -> None:
    page = (ROOT / "docs" / "library.md").read_text()
    examples = re.findall(r"^```python\n(.*?)^```", page, re.S | re.M)
    assert len(examples) == 3
    kernel.run(f"%cd -q {tmp_path}")
    for example in examples:
        kernel.run(example)
    assert (tmp_path / "checkouts.ipynb").is_file()
    magics = re.search(r"^```text\n(.*?)^```", page, re.S | re.M)
    assert magics is not None
    for cell in magics[1].split("\n\n"):
        if cell.startswith("%%"):
            kernel.run(cell)
