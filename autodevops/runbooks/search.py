"""Finding runs by what they say: titles, parameters, errors, findings, queries and outputs.

Plain reading, newest first: a file is parsed only when its raw bytes have every plain word that is looked for, so that
a look through thousands of bundles costs little more than reading them. There is no index to keep or to mend.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from autodevops.domain.run import Run
from autodevops.kernel.errors import UsageError
from autodevops.runbooks.bundle import MANIFEST, NOTEBOOK
from autodevops.runbooks.contents import Chart, Table, Text, contents
from autodevops.runbooks.storage import BundleRef, Bundles, parse_manifest
from autodevops.runbooks.storage_remote import each

_WORD = re.compile(r"[A-Za-z0-9]+")
_AROUND = 60  # characters of context on either side
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
    words = sorted({word.encode() for word in _WORD.findall(wanted)}, key=len, reverse=True)

    def look(ref: BundleRef) -> Hit | None:
        manifest, notebook = (_read(bundles, ref, name) for name in (MANIFEST, NOTEBOOK))
        places = [*_said(_parsed(manifest, words), wanted), *_shown(_parsed(notebook, words), wanted)]
        run = parse_manifest(manifest, ref) if places else None
        return Hit(ref, run, tuple(places[:_PLACES]), max(0, len(places) - _PLACES)) if run else None

    return each(bundles, refs, look)


def _read(bundles: Bundles, ref: BundleRef, name: str) -> bytes:
    try:
        return bundles.read(ref, name)
    except UsageError:
        return b""  # it has none


def _parsed(content: bytes, words: Sequence[bytes]) -> dict[str, Any]:
    """The document, or nothing where it cannot have what is looked for. Plain words are never escaped in JSON."""
    import orjson

    lower = content.lower()
    if not all(word in lower for word in words):
        return {}
    try:
        document = orjson.loads(content)
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}


def _said(manifest: dict[str, Any], wanted: str) -> Iterator[Place]:
    """In a manifest. It is read as it lies there: validating thousands would take longer than reading them."""
    for where, text in _texts(manifest):
        yield from _places(where, text, wanted)


def _texts(manifest: dict[str, Any]) -> Iterator[tuple[str, str]]:
    yield "title", str(manifest.get("title", ""))
    yield "runbook", str(manifest.get("runbook", ""))
    yield "reason", f"{manifest.get('reason', '')} {manifest.get('requested_by', '')}"
    for name, value in (manifest.get("parameters") or {}).items():
        yield f"parameter {name}", f"{name}={value}"
    if error := manifest.get("error"):
        yield "error", f"{error.get('kind', '')}: {error.get('message', '')}"
    for found in manifest.get("investigations") or ():
        yield "conclusion", _line(found, "{verdict}: {summary}")
        for cause in found.get("causes") or ():
            yield "cause", _line(cause, "{reason} {subject}: {summary}")
        for finding in found.get("findings") or ():
            yield "finding", _line(finding, "{rule_id} {reason} {subject}: {message}")
    for item in manifest.get("evidence") or ():
        yield f"query {item.get('id', '')}", f"{_line(item, '{tool} {query}')} {item.get('error') or ''}"


def _line(document: dict[str, Any], pattern: str) -> str:
    return pattern.format_map(defaultdict(str, document))


def _shown(notebook: dict[str, Any], wanted: str) -> Iterator[Place]:
    """In what the cells put out."""
    for cell in contents(notebook):
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
