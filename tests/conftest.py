"""What every test shares: asyncio for async tests, and nothing leaking in from the machine or the shell."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import pytest
from hypothesis import settings

from autodevops.kernel.startup import collect_rarely

collect_rarely()
settings.register_profile("tests", deadline=None)  # a busy machine is no failure
settings.load_profile("tests")
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as a shell starts background jobs
    signal.signal(signal.SIGINT, signal.default_int_handler)


LONG = (  # modules that take half a minute or more, the longest first
    "test_runbooks_shipped",
    "test_sandbox_world_faults",
    "test_browser_jamie",
    "test_notebook_sandbox",
    "test_investigation_sandbox",
    "test_executor_crashes",
    "test_scarlet_chaos",
    "test_browser_portal",
    "test_scarlet_sandbox",
    "test_demo",
    "test_executor_remedies",
    "test_executor_actions",
    "test_scarlet_watching",
    "test_scarlet_agent",
    "test_sandbox_world_purity",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The long ones begin the run: the workers take module after module, and none is to start one when others end."""
    place = {name: number for number, name in enumerate(LONG)}
    items.sort(key=lambda item: place.get(item.path.stem, len(LONG)))


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """A developer's own settings and cluster must not decide a test's outcome."""
    for name in list(os.environ):
        if name.startswith("AUTODEVOPS_") or name in {"KUBECONFIG", "OLLAMA_HOST", "OLLAMA_API_KEY", "TZ"}:
            monkeypatch.delenv(name)


@pytest.fixture(autouse=True, scope="session")
def _own_state(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What tests do is not entered in the developer's own ledger."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))
        yield
