"""Where the `runbook` commands look for runbooks."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from autodevops.kernel.errors import UsageError
from autodevops.settings import load_settings

if TYPE_CHECKING:
    from autodevops.runbooks import Catalogue


def catalogue() -> Catalogue:
    """Raises UsageError when the folder of the settings is not there."""
    from autodevops.runbooks import Catalogue

    folder: Path = load_settings().scarlet.runbooks
    if not folder.is_dir():
        raise UsageError(
            f"The folder of runbooks {folder} does not exist.",
            "Go to the folder that has it, or set AUTODEVOPS_SCARLET__RUNBOOKS.",
        )
    return Catalogue(folder)
