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
    from autodevops.notebook import Jamie, investigate, ledger
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
    "ledger",
    "load_settings",
]

_HOME = {
    "AutoDevOpsError": "autodevops.kernel.errors",
    "Evidence": "autodevops.domain.evidence",
    "Investigation": "autodevops.domain.investigation",
    "Jamie": "autodevops.notebook",
    "Settings": "autodevops.settings",
    "Workbench": "autodevops.workbench",
    "investigate": "autodevops.notebook",
    "ledger": "autodevops.notebook",
    "load_settings": "autodevops.settings",
}


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module 'autodevops' has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
