"""A sandbox with a bad deploy in it, for tests of whole turns over MCP and HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from jamie.jamie_workbench import running

from autodevops.sandbox import Sandbox


@pytest.fixture(scope="module")
def broken(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Sandbox, Path]]:
    with running("bad-deploy", tmp_path_factory) as world:
        yield world
