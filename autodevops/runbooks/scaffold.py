"""A new runbook: one that says what is in a namespace, lints clean and runs, to be turned into what is needed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from autodevops.kernel.errors import UsageError
from autodevops.runbooks.catalogue import METADATA_KEY, parse_runbook

_NAMESPACE = "|[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
_PARAMETERS = 'namespace = ""  # empty: all\nwindow_minutes = 60'
_LOOK = """from autodevops import kube

pods = kube.get("Pod", namespace=namespace)
pods"""
_CONCLUDE = """from IPython.display import Markdown

Markdown(f"{len(pods)} pods; look at the last {window_minutes} minutes next.")"""


def write_scaffold(path: Path, *, title: str, owner: str) -> Path:
    """Raises UsageError when `path` is taken, cannot be written, or cannot name a runbook."""
    front = {
        "title": title,
        "purpose": f"{title}: say here in one sentence what a person knows after it has run.",
        "owner": owner,
        "risk": "read-only",
        "systems": ["kubernetes"],
        "preconditions": [{"text": "Kubernetes answers and lets the namespace be read.", "system": "kubernetes"}],
        "time_limit_seconds": 300,
        "parameters": {
            "namespace": {
                "type": "str",
                "default": "",
                "pattern": _NAMESPACE,
                "help": "Kubernetes namespace; empty: all",
            },
            "window_minutes": {
                "type": "int",
                "default": 60,
                "minimum": 5,
                "maximum": 1440,
                "unit": "minutes",
                "help": "how far to look back",
            },
        },
    }
    source = _bytes(_cells(title), {METADATA_KEY: front})
    parse_runbook(path, source)
    return _write(path, source)


def write_page(path: Path, code: str) -> Path:
    """A notebook of one cell. Raises UsageError when `path` is taken or cannot be written."""
    return _write(path, _bytes([_cell("code", "form", code)], {}))


def _bytes(cells: list[dict[str, Any]], metadata: dict[str, Any]) -> bytes:
    kernel = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
    notebook = {
        "cells": cells,
        "metadata": {**metadata, "kernelspec": kernel, "language_info": {"name": "python"}},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    return json.dumps(notebook, ensure_ascii=False, indent=1).encode() + b"\n"


def _write(path: Path, source: bytes) -> Path:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("xb") as file:
            file.write(source)
    except FileExistsError as error:
        raise UsageError(f"{path} is there already.", "Choose another name.") from error
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}.", "Choose a folder you may write to.") from error
    return path


def _cells(title: str) -> list[dict[str, Any]]:
    return [
        _cell("markdown", "title", f"# {title}\n\nWhat it looks at, and what the answer means."),
        _cell("code", "parameters", _PARAMETERS, "parameters"),
        _cell("markdown", "seen", "## What was seen"),
        _cell("code", "look", _LOOK),
        _cell("markdown", "meaning", "## What it means"),
        _cell("code", "conclude", _CONCLUDE),
    ]


def _cell(kind: str, name: str, source: str, *tags: str) -> dict[str, Any]:
    cell: dict[str, Any] = {
        "cell_type": kind,
        "id": name,
        "metadata": {"tags": list(tags)} if tags else {},
        "source": source.splitlines(keepends=True),
    }
    return {**cell, "execution_count": None, "outputs": []} if kind == "code" else cell
