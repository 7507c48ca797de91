"""Runbooks for tests, written as a person would save them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import nbformat


def write_runbook(
    folder: Path,
    cells: Sequence[str],
    *,
    name: str = "probe",
    parameters: Mapping[str, Mapping[str, Any]] | None = None,
    parameters_cell: str | None = None,
    **front: Any,
) -> Path:
    """`<folder>/<name>.ipynb` with the given code cells; those that begin with `#md ` are Markdown."""
    declared = dict(parameters or {})
    matter = {
        "title": "Probe",
        "purpose": "Look at one thing.",
        "owner": "tests",
        "risk": "read-only",
        "time_limit_seconds": 60,
        "parameters": declared,
        **front,
    }
    made = []
    if declared or parameters_cell is not None:
        source = parameters_cell
        if source is None:
            source = "\n".join(f"{key} = {spec.get('default')!r}" for key, spec in declared.items())
        made.append(nbformat.v4.new_code_cell(source, metadata={"tags": ["parameters"]}))
    for cell in cells:
        if cell.startswith("#md "):
            made.append(nbformat.v4.new_markdown_cell(cell.removeprefix("#md ")))
        else:
            made.append(nbformat.v4.new_code_cell(cell))
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    notebook = nbformat.v4.new_notebook(cells=made, metadata={"autodevops": matter, "kernelspec": kernel})
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.ipynb"
    path.write_text(json.dumps(notebook))
    return path
