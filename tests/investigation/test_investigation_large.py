"""A namespace with more pods than are read whole: the one that is broken is found, wherever in the list it stands."""

from __future__ import annotations

from pathlib import Path

import large_cluster
import pytest
from bench_investigation import settings_for
from sandbox_prometheus.prometheus_serving import served

from autodevops.domain.investigation import Investigation
from autodevops.workbench import Workbench


async def _investigate(folder: Path, culprit: str) -> Investigation:
    with served(large_cluster.create_app(services=50, replicas=10, culprit=culprit)) as address:
        settings = settings_for(address, folder / "kubeconfig")
        async with Workbench(settings, clock=lambda: large_cluster.NOW) as workbench:
            return await workbench.investigate(namespace=large_cluster.NAMESPACE)


@pytest.mark.parametrize("culprit", ["service-0", "service-49"])
async def test_the_broken_workload_is_found_among_many(tmp_path: Path, culprit: str) -> None:
    result = await _investigate(tmp_path, culprit)
    top = result.hypotheses[0]
    assert (result.verdict, top.reason, top.subject.name) == ("explained", "ImageNotFound", culprit)
    assert "10 pods" in top.summary


async def test_what_is_read_in_part_of_all_is_enough_to_call_it_healthy(tmp_path: Path) -> None:
    result = await _investigate(tmp_path, "")
    assert result.verdict == "healthy", result.summary
