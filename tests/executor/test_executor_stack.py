"""Who may write: the executor, and nobody else."""

from __future__ import annotations

from pathlib import Path

import pytest

from autodevops.domain.base import Json
from autodevops.kernel.errors import ToolDenied, ToolRejected, ToolUnavailable
from autodevops.settings import ToolboxSettings, load_settings
from autodevops.toolbox.testing import ScriptedTools
from autodevops.toolbox.writing import writing
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


@pytest.mark.parametrize(
    ("tool", "setting"),
    [
        ("kubernetes.rollback_workload", "AUTODEVOPS_KUBERNETES__ALLOW_WRITES=true"),
        ("prometheus.create_silence", "AUTODEVOPS_ALERTMANAGER__ALLOW_WRITES=true"),
        ("github.create_issue", "AUTODEVOPS_GITHUB__ALLOW_WRITES=true"),
    ],
)
async def test_a_tool_that_is_off_by_default_names_the_setting(tool: str, setting: str) -> None:
    tools = writing(ScriptedTools({"kubernetes.get_resource": {}}), ToolboxSettings(), 5)
    with pytest.raises(ToolDenied) as refused:
        await tools.call(tool, {})
    assert setting in refused.value.next_step
