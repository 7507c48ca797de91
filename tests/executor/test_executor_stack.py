"""Who may write: the executor, and nobody else."""

from __future__ import annotations

from pathlib import Path

import pytest

from autodevops.domain.base import Json
from autodevops.kernel.errors import ToolDenied, ToolRejected, ToolUnavailable
from autodevops.settings import load_settings
from autodevops.workbench import Workbench

PATCH: dict[str, Json] = {"kind": "Deployment", "name": "cart", "namespace": "shop", "patch": {}, "dry_run": False}


async def test_jamie_and_scarlet_are_refused_what_the_executor_may_call(tmp_path: Path) -> None:
    kubeconfig = tmp_path / "kubeconfig"
    settings = load_settings(
        kubernetes={"allow_writes": True, "kubeconfig": str(kubeconfig)}, ledger={"folder": str(tmp_path / "ledger")}
    )
    async with Workbench(settings) as bench:
        with pytest.raises(ToolDenied, match="may change something"):
            await bench.tools.call("kubernetes.patch_resource", PATCH)
        assert not [spec.name for spec in await bench.tools.list_tools("kubernetes") if not spec.read_only]
        with pytest.raises((ToolRejected, ToolUnavailable)) as refused:  # it got as far as looking for a cluster
            await bench.executor._means.tools.call("kubernetes.patch_resource", PATCH)
        assert str(kubeconfig) in str(refused.value)
        (call,) = [event for event in bench.ledger.events(kind="tool_call") if event.what == "failed"][-1:]
        assert call.subject == "kubernetes.patch_resource"
