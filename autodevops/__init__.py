"""Auto-DevOps: a notebook-centric SRE workbench.

The public surface is `__all__`, nothing else; the rest may move between releases. Names are loaded when they are
first used, so that `import autodevops` stays quick.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from autodevops.domain.evidence import Evidence
    from autodevops.domain.investigation import Investigation
    from autodevops.kernel.errors import AutoDevOpsError
    from autodevops.notebook import Jamie, investigate, investigate_async, kube, ledger, logs, metrics, tools, traces
    from autodevops.settings import Settings, load_settings
    from autodevops.workbench import Workbench

__version__ = "0.1.0"

__all__ = [
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

_HOME = {
    "AutoDevOpsError": "autodevops.kernel.errors",
    "Evidence": "autodevops.domain.evidence",
    "Investigation": "autodevops.domain.investigation",
    "Jamie": "autodevops.notebook",
    "Settings": "autodevops.settings",
    "Workbench": "autodevops.workbench",
    "investigate": "autodevops.notebook",
    "investigate_async": "autodevops.notebook",
    "kube": "autodevops.notebook",
    "ledger": "autodevops.notebook",
    "logs": "autodevops.notebook",
    "metrics": "autodevops.notebook",
    "tools": "autodevops.notebook",
    "traces": "autodevops.notebook",
    "load_settings": "autodevops.settings",
}

_MODULES = {"kube", "logs", "metrics", "tools", "traces"}


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module 'autodevops' has no attribute {name!r}")
    if name in _MODULES:
        return import_module(f"{_HOME[name]}.{name}")
    return getattr(import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])


def load_ipython_extension(shell: object) -> None:
    """`%load_ext autodevops`: %jamie, %%promql, %%logql, %%traceql, %kube and their completion."""
    import_module("autodevops.notebook.magics").load(shell)
