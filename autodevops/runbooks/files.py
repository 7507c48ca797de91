"""Writing files so that a reader, or a crash, never sees half of one."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from autodevops.kernel.files import sync

SVG_MIME = "image/svg+xml"
PLOTLY_MIME = "application/vnd.plotly.v1+json"
WIDGET_MIME = "application/vnd.jupyter.widget-view+json"

CHART_CONFIG: dict[str, Any] = {
    # Plotly's "Share chart..." uploads the data of the chart to a company's server.
    "modeBarButtonsToRemove": ["sendChartToCloud", "lasso2d", "select2d", "autoScale2d"],
    "plotlyServerURL": "",
    "displaylogo": False,
    "responsive": True,
}


def write_atomically(path: Path, content: bytes) -> None:
    """Temporary file in the same folder, fsync, rename, fsync of the folder."""
    write_together(path.parent, {path.name: content})


def write_together(folder: Path, files: Mapping[str, bytes]) -> None:
    """Several files, renamed in the order given once all of them are on disk; the folder is synced once."""
    written: dict[Path, Path] = {}
    try:
        for name, content in files.items():
            temporary = folder / f".{name}.{secrets.token_hex(4)}"
            written[folder / name] = temporary
            with temporary.open("xb") as file:
                file.write(content)
        # All of them are written before the first is waited for: a file system does that in one go.
        for temporary in written.values():
            sync(temporary)
        for path, temporary in written.items():
            temporary.replace(path)
    except BaseException:
        for temporary in written.values():
            temporary.unlink(missing_ok=True)
        raise
    sync(folder)


def write_quickly(path: Path, content: bytes) -> None:
    """A reader never sees half of it, and it outlives its writer; whether it outlives the machine is left open."""
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        temporary.write_bytes(content)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def notebook_bytes(notebook: Any) -> bytes:
    """The notebook as it is kept: cleaned in place, then as JSON."""
    import nbformat

    clean(notebook)
    return str(nbformat.writes(notebook, version=4)).encode() + b"\n"


def clean(notebook: Any) -> None:
    """Take out what must not be kept.

    Widget state has a copy of every widget's program and of every synced value, tokens included; the static twins of
    widgets stay. Charts lose the button that uploads them.
    """
    notebook.metadata.pop("widgets", None)
    for cell in notebook.cells:
        for output in cell.get("outputs", ()):
            data = output.get("data")
            if not data:
                continue
            if len(data) > 1:
                data.pop(WIDGET_MIME, None)
            if isinstance(data.get(PLOTLY_MIME), dict):
                data[PLOTLY_MIME]["config"] = {**data[PLOTLY_MIME].get("config", {}), **CHART_CONFIG}


def add_stills(notebook: Any) -> None:
    """Put a picture beside each chart that has none: GitHub and nbconvert show that."""
    from autodevops.runbooks.still import still

    for cell in notebook.cells:
        for output in cell.get("outputs", ()):
            data = output.get("data", {})
            if PLOTLY_MIME in data and SVG_MIME not in data and (drawing := still(data[PLOTLY_MIME])):
                data[SVG_MIME] = drawing
