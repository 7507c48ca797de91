"""Notes for the memory, left in a moment and without LanceDB: one small file each, taken in by whoever opens it next.

So a turn of a conversation is on disk at once and costs nobody a second of import, and LanceDB gets batches instead of
single rows, each of which would cost it a dozen files.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from pydantic import ValidationError

from autodevops.domain.memory import Document
from autodevops.kernel.errors import MemoryUnusable
from autodevops.stores.memory_locks import owned
from autodevops.stores.memory_protocol import Memory

log = logging.getLogger(__name__)

MOST = 1000  # notes taken in at a time


class Inbox:
    def __init__(self, folder: Path) -> None:
        self._folder = folder / "inbox"

    def leave(self, document: Document) -> None:
        """On disk when this returns. Raises MemoryUnusable when it cannot be written."""
        path = self._folder / f"{document.id}.json"
        unfinished = path.with_suffix(f".{os.getpid()}.part")
        with writable(self._folder.parent):
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            note_kind(self._folder.parent, document.kind)
            with unfinished.open("w", encoding="utf-8") as file:
                file.write(document.model_dump_json())
                file.flush()
                os.fsync(file.fileno())
            unfinished.rename(path)


def absorb(folder: Path, memory: Memory) -> int:
    """Put what the inbox has into the memory; says how many. Raises MemoryUnusable. What is no note is set aside."""
    inbox = folder / "inbox"
    if not inbox.is_dir() or not any(inbox.glob("*.json")):
        return 0
    taken = 0
    with writable(folder), owned(folder / "absorbing.lock"):
        while paths := sorted(inbox.glob("*.json"))[:MOST]:
            documents: dict[Path, Document] = {}
            for path in paths:
                try:
                    documents[path] = Document.model_validate_json(path.read_bytes())
                except ValidationError as error:
                    log.warning("%s is no note for the memory and is set aside: %s", path, error.errors()[0]["msg"])
                    path.rename(path.with_suffix(".json.broken"))
            memory.put(*documents.values())
            for path in documents:
                path.unlink(missing_ok=True)
            taken += len(documents)
    return taken


def note_kind(folder: Path, kind: str) -> None:
    """That the memory holds something of this kind besides what ships: so nobody opens it only to find that out."""
    mark = folder / "own" / kind
    if not mark.parent.is_dir() and (folder / "lance").is_dir():
        return  # from before there were marks: whoever opens it makes those of all kinds
    if not mark.exists():
        mark.parent.mkdir(parents=True, exist_ok=True)
        mark.touch()


def may_hold(folder: Path, kinds: Collection[str]) -> bool:
    """Whether anything of these kinds may be there besides what ships."""
    own = folder / "own"
    if own.is_dir():
        return any((own / kind).exists() for kind in kinds)
    return (folder / "lance").is_dir() or (folder / "inbox").is_dir()  # from before there were marks


@contextmanager
def writable(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise MemoryUnusable(
            f"The memory in {folder} cannot be written: {error.strerror}.",
            "Check the folder, or name another one as [memory] folder.",
        ) from error
