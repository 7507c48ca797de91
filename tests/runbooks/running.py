"""Runs for tests: cells that say when they run, and what must hold of every bundle."""

from __future__ import annotations

import json
import os
import select
from pathlib import Path
from typing import Any

from autodevops.domain.run import Run
from autodevops.kernel.ids import bytes_digest
from autodevops.runbooks.bundle import read_manifest

WAIT_SECONDS = 60


def read_notebook(folder: Path) -> Any:
    return json.loads((folder / "notebook.ipynb").read_text())


def check_bundle(folder: Path) -> Run:
    """Manifest, notebook and page agree; digests hold; nothing else lies in the folder."""
    run = read_manifest(folder)
    names = ["notebook.ipynb", "report.html", "runbook.ipynb"]
    assert sorted(path.name for path in folder.iterdir()) == ["manifest.json", *names]
    assert run.files == {name: bytes_digest((folder / name).read_bytes()) for name in names}
    notebook = read_notebook(folder)
    assert notebook["metadata"]["papermill"]["status"] == run.status
    assert tuple(cell.status for cell in run.cells) == tuple(
        cell["metadata"]["papermill"]["status"] for cell in notebook["cells"] if cell["cell_type"] == "code"
    )
    page = (folder / "report.html").read_text()
    assert f">{run.status.replace('_', ' ')}</span></h1>" in page
    assert "must not run\n" not in "".join(str(cell.get("outputs")) for cell in notebook["cells"])
    return run


def assert_process_ends(number: int) -> None:
    """`number` is not ours to wait for; one that has ended already is fine."""
    try:
        process = os.pidfd_open(number)
    except ProcessLookupError:
        return
    try:
        assert select.select([process], [], [], WAIT_SECONDS)[0], f"process {number} lives on"
    finally:
        os.close(process)


class Sign:
    """A cell that writes its kernel's process id into a pipe and then waits for long."""

    def __init__(self, tmp_path: Path) -> None:
        self._path = tmp_path / "sign"
        os.mkfifo(self._path)
        self.kernel = 0

    def __enter__(self) -> Sign:
        self._reader = os.open(self._path, os.O_RDONLY | os.O_NONBLOCK)
        return self

    def __exit__(self, *exc_info: object) -> None:
        os.close(self._reader)

    @property
    def cell(self) -> str:
        return f"import os, time\nwith open({str(self._path)!r}, 'w') as f: f.write(str(os.getpid()))\ntime.sleep(300)"

    def wait(self) -> None:
        ready, _, _ = select.select([self._reader], [], [], WAIT_SECONDS)
        assert ready, "the cell did not start"
        self.kernel = int(os.read(self._reader, 32))

    def assert_kernel_ends(self) -> None:
        assert_process_ends(self.kernel)
