"""Turns become a notebook file. A file that is there is never written over."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from autodevops.kernel.clock import utc_now
from autodevops.kernel.errors import UsageError
from autodevops.kernel.files import appearing
from autodevops.widgets.cells import notebook_text


def save_turns(turns: Sequence[Mapping[str, Any]], path: str | Path = "") -> Path:
    """Raises UsageError when nothing was asked yet, the file exists, or it cannot be written."""
    if not turns:
        raise UsageError("There is no answer yet to make a notebook of.", "Ask Jamie something first.")
    target = new_notebook(path)
    try:
        with appearing(target) as file:
            file.write(notebook_text(turns).encode("utf-8", "replace"))
    except OSError as error:
        raise UsageError(f"{target} cannot be written: {error.strerror}.", "Give another path.") from error
    return target


def new_notebook(path: str | Path = "") -> Path:
    """Where a notebook can go. Raises UsageError when there is something already, or no folder."""
    target = Path(path) if path else Path(f"jamie-{utc_now():%Y-%m-%d-%H%M%S}.ipynb")
    if target.suffix != ".ipynb":
        raise UsageError(f"{str(target)!r} does not end in .ipynb.", f"Write {target.name or 'answer'}.ipynb instead.")
    if os.path.lexists(target):
        raise UsageError(f"{target} exists already.", "Give another path, or remove it first.")
    if not target.parent.is_dir():
        raise UsageError(f"{target.parent} is no folder.", "Make it first, or give another path.")
    return target
