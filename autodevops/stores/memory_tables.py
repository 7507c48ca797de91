"""How memory lies in LanceDB: its tables, their columns, and values that are safe in a filter.

`documents` has a row for each document with its words under a full-text index; `vectors_*` has the vectors of one
embedding, whose name and dimension stand in its schema and make up its name.
"""

from __future__ import annotations

import hashlib
import re
import threading
from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

from autodevops.domain.memory import KINDS, Document, DocumentKind
from autodevops.stores.memory_locks import owned
from autodevops.stores.memory_protocol import Embedder
from autodevops.stores.memory_words import search_words

DOCUMENTS, VECTORS, WORDS_INDEX = "documents", "vectors_", "words_idx"
HEX = re.compile(r"[0-9a-f]{1,64}")
Value = TypeVar("Value")


class Tables:
    """Opens and makes tables; one maker at a time among processes."""

    def __init__(self, folder: Path) -> None:
        import lancedb

        self._making = folder / "making.lock"
        self._db: Any = lancedb.connect(folder / "lance", read_consistency_interval=timedelta(0))
        self._opened: dict[str, Any] = {}
        self._opening = threading.Lock()

    def documents(self) -> Any:
        if DOCUMENTS in self._opened:
            return self._opened[DOCUMENTS]
        import pyarrow as pa

        text = pa.string()
        columns = [(name, text) for name in ("id", "kind", "source", "conversation", "about", "words", "document")]
        return self._table(DOCUMENTS, pa.schema([*columns, ("at", pa.int64()), ("reasons", pa.list_(text))]), index)

    def vectors(self, embedder: Embedder, *, make: bool = True) -> Any:
        """The table of one embedding; None when there is none and none is to be made. Raises ToolError."""
        size = embedder.dimension()
        name = VECTORS + key_of(f"{embedder.name} {size}")[:16]
        if name in self._opened:
            return self._opened[name]
        if not make and name not in self._names():
            return None
        import pyarrow as pa

        columns = [("id", pa.string()), ("kind", pa.string()), ("vector", pa.list_(pa.float32(), size))]
        return self._table(name, pa.schema(columns, metadata={"embedding": embedder.name, "dimension": str(size)}))

    def all_vectors(self) -> list[Any]:
        """Those of embeddings that are no longer used, too."""
        return [self._opened.get(name) or self._db.open_table(name) for name in self._names(VECTORS)]

    def all(self) -> list[Any]:
        return [self.documents(), *self.all_vectors()]

    def drop_vectors(self) -> None:
        for name in self._names(VECTORS):
            self._opened.pop(name, None)
            self._db.drop_table(name)

    def close(self) -> None:
        self._opened.clear()

    def _table(self, name: str, schema: Any, prepare: Callable[[Any], None] | None = None) -> Any:
        with self._opening:
            if name not in self._opened:
                if name not in self._names():
                    with owned(self._making):
                        if name not in self._names():
                            made = self._db.create_table(name, schema=schema)
                            if prepare is not None:
                                prepare(made)
                self._opened[name] = self._db.open_table(name)
            return self._opened[name]

    def _names(self, prefix: str = "") -> list[str]:
        return [name for name in self._db.list_tables().tables if name.startswith(prefix)]


def row_of(document: Document) -> Mapping[str, object]:
    return {
        "id": document.id,
        "kind": document.kind,
        "source": key_of(document.source),
        "conversation": key_of(document.conversation),
        "about": document.about if HEX.fullmatch(document.about) else "",
        "words": search_words(document),
        "document": document.model_dump_json(),
        "at": int(document.at.timestamp() * 1e6),
        "reasons": list(document.reasons),
    }


def index(table: Any) -> None:
    """The full-text index over the words, anew."""
    from lancedb.index import FTS

    table.create_index("words", config=FTS(), replace=True, name=WORDS_INDEX)


def once_more(change: Callable[[], Value], table: Any) -> Value:
    """A change of one process may fail beside the clean-up of another (measured: one of 4,800); never twice."""
    try:
        return change()
    except (RuntimeError, OSError):
        table.checkout_latest()
        return change()


def key_of(text: str) -> str:
    """What people wrote, as a value that is safe in a filter."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32] if text else ""


def quoted(values: Iterable[str]) -> str:
    checked = [value for value in values if HEX.fullmatch(value) or value in KINDS]
    return ", ".join(f"'{value}'" for value in checked) or "''"


def in_kinds(kinds: Collection[DocumentKind]) -> str:
    return f"kind IN ({quoted(kinds)})"
