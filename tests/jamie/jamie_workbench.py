"""A workbench on a sandbox, as a person's settings would make it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import pytest
from patience import patient

from autodevops.sandbox import Sandbox
from autodevops.settings import load_settings
from autodevops.workbench import Workbench


@contextmanager
def running(scenario: str, folders: pytest.TempPathFactory) -> Iterator[tuple[Sandbox, Path]]:
    """The sandbox, and its kubeconfig."""
    with Sandbox(scenario=scenario, seed=1) as sandbox:
        path = folders.mktemp(scenario) / "kubeconfig"
        sandbox.write_kubeconfig(path)
        yield sandbox, path


@asynccontextmanager
async def bench(world: tuple[Sandbox, Path], monkeypatch: pytest.MonkeyPatch, **more: str) -> AsyncIterator[Workbench]:
    sandbox, kubeconfig = world
    environment = {**patient(sandbox), "AUTODEVOPS_KUBERNETES__KUBECONFIG": str(kubeconfig), **more}
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    async with Workbench.from_settings(load_settings()) as workbench:
        yield workbench
