"""Finding runs by what they say: titles, parameters, errors, findings, queries and outputs.

Plain reading, newest first: a file is parsed only when the raw bytes have the longest plain word that is looked for, so
that a look through thousands of bundles costs little more than reading them. There is no index to keep or to mend.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice

from autodevops.domain.run import Run
from autodevops.kernel.errors import UsageError
from autodevops.runbooks.bundle import MANIFEST, NOTEBOOK
from autodevops.runbooks.contents import Chart, Table, Text, contents
from autodevops.runbooks.storage import BundleRef, Bundles, parse_manifest

_WORD = re.compile(r"[A-Za-z0-9]+")
_AROUND = 60  # characters of context on either side
_AT_ONCE = 16
_PLACES = 5  # of one run that are told


@dataclass(frozen=True)
class Place:
    where: str  # "title", "parameter namespace", "finding", "output of cell 5", ...
    text: str  # what stands there, cut around the words


@dataclass(frozen=True)
class Hit:
    ref: BundleRef
    run: Run
    places: tuple[Place, ...]
    more: int  # places beyond those told


def search(bundles: Bundles, refs: Iterable[BundleRef], text: str) -> Iterator[Hit]:
    """Runs of `refs` that say `text`, whatever its case and spacing, in their order. Raises UsageError for no text."""
    wanted = _plain(text)
    if not wanted:
        raise UsageError("There is nothing to search for.", "Give a word or a phrase.")
    word = max(_WORD.findall(wanted), key=len, default="").encode()

    def look(ref: BundleRef) -> Hit | None:
        raw = [_read(bundles, ref, name) for name in (MANIFEST, NOTEBOOK)]
        likely = [not word or word in content.lower() for content in raw]
        if not any(likely):
            return None
        run = parse_manifest(raw[0], ref)
        if run is None:
            return None
        places = [
            *(_said(run, wanted) if likely[0] else ()),
            *(_shown(raw[1], wanted) if likely[1] else ()),
        ]
        return Hit(ref, run, tuple(places[:_PLACES]), max(0, len(places) - _PLACES)) if places else None

    if not bundles.distant:
        yield from filter(None, map(look, refs))
        return
    left = iter(refs)
    with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="search") as pool:
        while batch := list(islice(left, _AT_ONCE)):
            yield from filter(None, pool.map(look, batch))


def _read(bundles: Bundles, ref: BundleRef, name: str) -> bytes:
    try:
        return bundles.read(ref, name)
    except UsageError:
        return b""  # it has none


def _said(run: Run, wanted: str) -> Iterator[Place]:
    """In the manifest."""
    yield from _places("title", run.title, wanted)
    yield from _places("runbook", run.runbook, wanted)
    yield from _places("reason", f"{run.reason} {run.requested_by}", wanted)
    for name, value in run.parameters.items():
        yield from _places(f"parameter {name}", f"{name}={value}", wanted)
    if run.error is not None:
        yield from _places("error", f"{run.error.kind}: {run.error.message}", wanted)
    for found in run.investigations:
        yield from _places("conclusion", f"{found.verdict}: {found.summary}", wanted)
        for cause in found.causes:
            yield from _places("cause", f"{cause.reason} {cause.subject}: {cause.summary}", wanted)
        for finding in found.findings:
            said = f"{finding.rule_id} {finding.reason} {finding.subject}: {finding.message}"
            yield from _places("finding", said, wanted)
    for item in run.evidence:
        yield from _places(f"query {item.id}", f"{item.tool} {item.query} {item.error or ''}", wanted)


def _shown(notebook: bytes, wanted: str) -> Iterator[Place]:
    """In what the cells put out."""
    try:
        cells = contents(json.loads(notebook))
    except ValueError:
        return
    for cell in cells:
        where = f"output of cell {cell.index + 1}" + (f" ({cell.heading})" if cell.heading else "")
        for item in cell.shown:
            match item:
                case Text():
                    yield from _places(where, item.text, wanted)
                case Table():
                    for row in (item.columns, *item.rows):
                        yield from _places(where, " | ".join(value for value in row if value), wanted)
                case Chart():
                    for name in (item.title, *(trace.name for trace in item.traces)):
                        yield from _places(where, name, wanted)


def _places(where: str, text: str, wanted: str) -> Iterator[Place]:
    flat = " ".join(text.split())
    at = flat.casefold().find(wanted)
    if at < 0:
        return
    start, end = max(0, at - _AROUND), at + len(wanted) + _AROUND
    cut = flat[start:end]
    yield Place(where, ("…" if start else "") + cut + ("…" if end < len(flat) else ""))


def _plain(text: str) -> str:
    return " ".join(text.split()).casefold()
