"""The public surface is a list."""

from __future__ import annotations

import autodevops


def test_public_names_are_exactly_these() -> None:
    assert sorted(autodevops.__all__) == [
        "AutoDevOpsError",
        "Evidence",
        "Investigation",
        "Jamie",
        "Settings",
        "Workbench",
        "investigate",
        "investigate_async",
        "kube",
        "ledger",
        "load_settings",
        "logs",
        "metrics",
        "tools",
        "traces",
    ]


def test_every_public_name_loads() -> None:
    for name in autodevops.__all__:
        assert getattr(autodevops, name)
