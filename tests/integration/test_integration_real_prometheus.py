"""The product against a Prometheus that nobody here wrote, with history it did not make.

Only Prometheus exists in this world: no cluster, no logs, no traces. The engine must find the workload whose errors
began, the time they began, and say what it could not see.
"""

from __future__ import annotations

import json
import math
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from real_prometheus import real_prometheus

from autodevops.domain.investigation import Investigation
from autodevops.domain.window import TimeWindow
from autodevops.settings import load_settings
from autodevops.workbench import Workbench

END = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)
ONSET = END - timedelta(minutes=25)
STEP_SECONDS = 15
BUCKETS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5)


def _history(*, broken: str) -> str:
    """Three hours of three services; `broken` answers 30 % of its requests with 500 from ONSET on."""
    lines: dict[str, list[str]] = {"count": [], "bucket": []}
    start = int((END - timedelta(hours=3)).timestamp())
    for number, service in enumerate(("ledger", "gateway", "search")):
        good = bad = 0.0
        labels = (
            f'namespace="bank",job="bank/{service}",service="{service}",pod="{service}-7c9d8b6f5-abcde",http_route="/"'
        )
        for second in range(start, int(END.timestamp()) + 1, STEP_SECONDS):
            rate = (20 + 5 * number) * (1 + 0.1 * math.sin(second / 900 + number))
            ratio = 0.3 if service == broken and second >= ONSET.timestamp() else 0.001
            good, bad = good + rate * STEP_SECONDS * (1 - ratio), bad + rate * STEP_SECONDS * ratio
            for code, value in (("200", good), ("500", bad)):
                series = f'{labels},http_response_status_code="{code}"'
                lines["count"].append(f"http_server_request_duration_seconds_count{{{series}}} {value:.3f} {second}")
                for position, bound in enumerate((*BUCKETS, "+Inf")):
                    share = min(1.0, 0.4 + 0.1 * position) * value
                    lines["bucket"].append(
                        f'http_server_request_duration_seconds_bucket{{{series},le="{bound}"}} {share:.3f} {second}'
                    )
    header = "# TYPE http_server_request_duration_seconds histogram"
    return "\n".join([header, *lines["bucket"], *lines["count"], "# EOF", ""])


@pytest.fixture(scope="module")
def broken_ledger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with real_prometheus(tmp_path_factory.mktemp("broken"), _history(broken="ledger")) as url:
        yield url


@pytest.fixture(scope="module")
def all_well(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with real_prometheus(tmp_path_factory.mktemp("well"), _history(broken="")) as url:
        yield url


async def _investigate(url: str) -> Investigation:
    settings = load_settings(prometheus={"url": url}, kubernetes={"kubeconfig": "no-such-kubeconfig"})
    async with Workbench.from_settings(settings) as workbench:
        return await workbench.investigate(namespace="bank", window=TimeWindow.ending(END, timedelta(hours=1)))


async def test_the_failing_service_and_its_onset_are_found_in_a_real_prometheus(broken_ledger: str) -> None:
    result = await _investigate(broken_ledger)
    assert result.verdict != "healthy"
    assert result.hypotheses[0].subject.name == "ledger"
    onsets = [finding.onset for finding in result.findings if finding.reason == "ErrorRateIncreased"]
    assert onsets
    assert onsets[0] is not None
    assert abs(onsets[0] - ONSET) <= timedelta(minutes=3)


async def test_what_could_not_be_seen_is_said(broken_ledger: str) -> None:
    result = await _investigate(broken_ledger)
    assert {gap.tool.split(".")[0] for gap in result.missing} >= {"kubernetes", "loki", "tempo"}


async def test_a_quiet_prometheus_blames_nobody(all_well: str) -> None:
    result = await _investigate(all_well)
    assert result.hypotheses == ()


def test_the_command_line_prints_one_json_document(broken_ledger: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "autodevops", "investigate", "-n", "bank", "--end", END.isoformat(), "--json"],
        env={"AUTODEVOPS_PROMETHEUS__URL": broken_ledger, "PATH": "/usr/bin", "HOME": str(tmp_path)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=180,
    )
    document = json.loads(done.stdout)
    assert document["hypotheses"][0]["subject"] == {
        "kind": document["hypotheses"][0]["subject"]["kind"],
        "namespace": "bank",
        "name": "ledger",
        "api_version": document["hypotheses"][0]["subject"]["api_version"],
    }
    assert set(document["hypotheses"][0]["evidence"]) <= {item["id"] for item in document["evidence"]}
