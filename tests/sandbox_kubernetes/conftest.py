"""One served cluster for the tests of a module that do not disturb each other, a fresh one for those that would."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sandbox_kubernetes.clusters import Api, serving


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    with serving(tmp_path_factory.mktemp("api")) as found:
        yield found


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Api]:
    with serving(tmp_path) as found:
        yield found
