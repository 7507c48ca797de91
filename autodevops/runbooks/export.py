"""A bundle as one file to hand on: the same bundle gives the same bytes, wherever and whenever it is exported."""

from __future__ import annotations

import gzip
import io
import tarfile
import zipfile
from collections.abc import Mapping

from autodevops.domain.run import Run
from autodevops.kernel.errors import UsageError
from autodevops.runbooks.bundle import MANIFEST, NOTEBOOK, REPORT
from autodevops.runbooks.storage import BundleRef, Bundles

SUFFIXES = (".zip", ".tar.gz", ".tgz", ".html", ".ipynb")
_OLDEST_ZIP = (1980, 1, 1, 0, 0, 0)


def export(bundles: Bundles, ref: BundleRef, run: Run, name: str) -> bytes:
    """The content of a file called `name`: its suffix says what is wanted.

    Raises UsageError for another suffix, and for a run that has not ended.
    """
    if run.status == "running":
        raise UsageError(f"Run {run.id} is still running.", "Wait for its end; then it can be exported.")
    if name.endswith(".html"):
        return bundles.read(ref, REPORT)
    if name.endswith(".ipynb"):
        return bundles.read(ref, NOTEBOOK)
    if not name.endswith(SUFFIXES):
        raise UsageError(f"{name!r} is no kind of file we can write.", f"End its name in {', '.join(SUFFIXES)}.")
    files = {f"{run.runbook}-{run.id}/{file}": bundles.read(ref, file) for file in sorted([MANIFEST, *run.files])}
    return _zip(files) if name.endswith(".zip") else _tar(files)


def _zip(files: Mapping[str, bytes]) -> bytes:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w") as archive:
        for name, content in files.items():
            entry = zipfile.ZipInfo(name, _OLDEST_ZIP)
            entry.external_attr = 0o100644 << 16
            entry.create_system = 3  # Unix, on whatever machine
            archive.writestr(entry, content, zipfile.ZIP_DEFLATED, compresslevel=6)
    return sink.getvalue()


def _tar(files: Mapping[str, bytes]) -> bytes:
    sink = io.BytesIO()
    with (
        gzip.GzipFile(fileobj=sink, mode="wb", mtime=0, filename="") as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as archive,
    ):
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            entry.mode = 0o644
            archive.addfile(entry, io.BytesIO(content))
    return sink.getvalue()
