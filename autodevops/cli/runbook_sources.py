"""Where the `runbook` commands look for runbooks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from autodevops.kernel.errors import UsageError
from autodevops.settings import load_settings

if TYPE_CHECKING:
    from autodevops.runbooks import Catalogue


def catalogue() -> Catalogue:
    """Raises UsageError when a folder that the settings name is not there."""
    from autodevops.runbooks.sources import catalogue_of

    settings = load_settings().scarlet
    for folder in settings.runbooks:
        if not folder.is_dir() and ("runbooks" in settings.model_fields_set or not settings.packaged_runbooks):
            raise UsageError(
                f"The folder of runbooks {folder} does not exist.",
                "Go to the folder that has it, or set AUTODEVOPS_SCARLET__RUNBOOKS.",
            )
    return catalogue_of(settings)
