"""What every test shares: asyncio for async tests, and no settings leaking in from the machine."""

from __future__ import annotations

import os

import pytest


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """A developer's own settings and cluster must not decide a test's outcome."""
    for name in list(os.environ):
        if name.startswith("AUTODEVOPS_") or name in {"KUBECONFIG", "OLLAMA_HOST", "OLLAMA_API_KEY"}:
            monkeypatch.delenv(name)
