"""Memory on disk, in LanceDB: any number of processes, nothing lost.

Documents are one table with a full-text index; vectors are a table for each embedding, whose name and dimension stand
in the table's schema. So vectors of two embeddings never meet, documents are found while theirs are still to be made,
and a table of vectors can be thrown away. Documents below 20,000 are compared with one by one: no vector index.

No filter is ever built from what people write: sources, conversations and documents are filtered by their digests.
Adding takes no lock. What rewrites the tables (replace, forget, tidy) has one owner at a time.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import timedelta
from functools import partial
from pathlib import Path

from autodevops.domain.memory import KINDS, Document, DocumentKind, Passage, SourceSummary
from autodevops.kernel.clock import Clock, utc_now
from autodevops.kernel.errors import MemoryUnusable, ToolError
from autodevops.stores.memory_locks import owned
from autodevops.stores.memory_protocol import Embedder
from autodevops.stores.memory_ranking import (
    DEEP,
    LEAST_LIKENESS,
    TEXT_WEIGHT,
    VECTOR_WEIGHT,
    Ranking,
    Thumbs,
    fused,
    passage,
    summaries,
    thumbs_of,
)
from autodevops.stores.memory_tables import HEX, WORDS_INDEX, Tables, in_kinds, index, key_of, once_more, quoted, row_of
from autodevops.stores.memory_words import asked, likeness_words

log = logging.getLogger(__name__)

NEARLY_ALL = 0.95  # of the documents must have a vector before an embedding is preferred
EMBEDDED = "kind != 'feedback'"
UNINDEXED = 50  # rows
BATCH = 256  # documents embedded at a time
# Another process may still be reading what is older than this; see the measured failure in docs/memory.md.
IN_USE = timedelta(seconds=60)
AT_ONCE = timedelta(milliseconds=1)
_NAME = re.compile(r"[A-Za-z0-9]{1,80}")


class LanceMemory:
    """`embedders` in order of preference: of those whose vectors are complete the first that answers is used."""

    def __init__(self, folder: Path, embedders: Sequence[Embedder], *, clock: Clock = utc_now) -> None:
        """Raises MemoryUnusable when the folder cannot be made, read or written."""
        self._embedders = tuple(embedders)
        self._clock = clock
        self._lock = folder / "rewriting.lock"
        self._folder = folder
        self._lost: set[str] = set()  # embedders that have been complained about
        with self._translated("opened"):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._tables = Tables(folder)
            self._tables.documents()

    def put(self, *documents: Document) -> None:
        if not documents:
            return
        with self._translated("written"):
            known = self._known([one.id for one in documents])
            fresh = {one.id: one for one in documents if one.id not in known}
            if fresh:
                table = self._tables.documents()
                once_more(lambda: table.add([row_of(one) for one in fresh.values()]), table)
            self._embed(list(fresh.values()))
            self._take_into_index()

    def replace(self, source: str, documents: Sequence[Document]) -> None:
        key = key_of(source)
        rows = [row_of(one) for one in {one.id: one for one in documents}.values()]
        if any(row["source"] != key for row in rows):
            raise ValueError(f"a document is not from {source!r}")
        with self._translated("written"), owned(self._lock):
            table = self._tables.documents()
            before = self._ids(f"source = '{key}'")
            if rows:
                merge = table.merge_insert("id").when_matched_update_all().when_not_matched_insert_all()
                merge = merge.when_not_matched_by_source_delete(f"source = '{key}'")
                once_more(lambda: merge.execute(rows), table)
            else:
                once_more(lambda: table.delete(f"source = '{key}'"), table)
            self._drop_vectors(before - {one.id for one in documents})
            self._embed(documents)
        self._take_into_index()

    def search(
        self, text: str, kinds: Collection[DocumentKind] = KINDS, limit: int = 5, *, embedding: str = ""
    ) -> tuple[Passage, ...]:
        with self._translated("searched"):
            rankings: list[Ranking] = []
            if embedding in {"", "text"}:
                rankings.append(Ranking("full text", TEXT_WEIGHT, self._by_text(text, kinds)))
            if embedding != "text":
                rankings += self._by_vector(text, kinds, embedding)
            candidates = list(dict.fromkeys(id for ranking in rankings for id in ranking.ids))
            found = self._read(candidates)
            ranked = [one for one in fused(rankings, self._thumbs(candidates)) if one.id in found]
        return tuple(passage(found[one.id], one.score, one.why) for one in ranked[:limit])

    def about_reason(
        self, reason: str, kinds: Collection[DocumentKind] = KINDS, limit: int = 5
    ) -> tuple[Document, ...]:
        if not _NAME.fullmatch(reason):
            return ()
        with self._translated("searched"):
            rows = self._select(f"array_has(reasons, '{reason}') AND {in_kinds(kinds)}")
        return tuple(sorted(rows, key=lambda one: one.at, reverse=True)[:limit])

    def sources(self, kinds: Collection[DocumentKind] = KINDS) -> tuple[SourceSummary, ...]:
        with self._translated("read"):
            return summaries(self._select(in_kinds(kinds)))

    def document(self, id: str) -> Document | None:
        if not HEX.fullmatch(id):
            return None
        with self._translated("read"):
            found = self._select(f"starts_with(id, '{id}')")
        return found[0] if len({one.id for one in found}) == 1 else None

    def forget(
        self,
        *,
        ids: Collection[str] = (),
        conversation: str = "",
        sources: Collection[str] = (),
        kind: DocumentKind | None = None,
    ) -> int:
        wanted = [f"id IN ({quoted(ids)})"] if ids else []
        wanted += [f"conversation = '{key_of(conversation)}'"] if conversation else []
        wanted += [f"source IN ({quoted(map(key_of, sources))})"] if sources else []
        wanted += [f"kind IN ({quoted([kind])})"] if kind in KINDS else []
        if not wanted:
            return 0
        with self._translated("written"), owned(self._lock):
            return self._forget(" OR ".join(wanted))

    def embedded(self) -> dict[str, int]:
        with self._translated("read"):
            tables = self._tables.all_vectors()
            return {table.schema.metadata[b"embedding"].decode(): table.count_rows() for table in tables}

    def catch_up(self, *, anew: bool = False) -> int:
        made = 0
        with self._translated("written"), owned(self._folder / "catching-up.lock"):
            if anew:
                with owned(self._lock):
                    self._tables.drop_vectors()
                    index(self._tables.documents())
            for embedder in self._embedders:
                try:
                    waiting = self._without(embedder)
                except ToolError as error:
                    self._complain(embedder, error)
                    continue
                for start in range(0, len(waiting), BATCH):
                    batch = self._read(waiting[start : start + BATCH])
                    if not self._embed_with(embedder, list(batch.values())):
                        break
                    made += len(batch)
        return made

    def tidy(self, *, keep: timedelta, megabytes: int) -> int:
        with self._translated("written"), owned(self._lock):
            oldest = int((self._clock() - keep).timestamp() * 1e6)
            gone = self._forget(f"kind != 'knowledge' AND at < {oldest}")
            while self.size() > megabytes * 1_000_000 and (passing := self._oldest_half()):
                gone += self._forget(f"id IN ({quoted(passing)})")
            for table in self._tables.all():
                table.optimize(cleanup_older_than=IN_USE)
        return gone

    def size(self) -> int:
        """Bytes on disk."""
        total = 0
        for path in self._folder.rglob("*"):
            with suppress(FileNotFoundError):  # another process has cleaned it up
                total += path.stat().st_size
        return total

    def close(self) -> None:
        self._tables.close()

    def _by_text(self, text: str, kinds: Collection[DocumentKind]) -> list[str]:
        query = self._tables.documents().search(asked(text), query_type="fts", fts_columns="words")
        rows = query.where(in_kinds(kinds), prefilter=True).select(["id", "_score"]).limit(DEEP).to_list()
        return [row["id"] for row in sorted(rows, key=lambda row: (-row["_score"], row["id"]))]

    def _by_vector(self, text: str, kinds: Collection[DocumentKind], embedding: str) -> Iterator[Ranking]:
        for embedder in self._embedders:
            if embedding not in {"", embedder.name}:
                continue
            try:
                if not self._is_ready(embedder):
                    continue
                vector = embedder.embed([text])[0]
            except ToolError as error:
                self._complain(embedder, error)
                continue
            table = self._tables.vectors(embedder)
            query = table.search(vector).distance_type("cosine").where(in_kinds(kinds), prefilter=True)
            rows = query.select(["id", "_distance"]).limit(DEEP).to_list()
            near = [(row["_distance"], row["id"]) for row in rows if row["_distance"] <= 1.0 - LEAST_LIKENESS]
            yield Ranking("likeness", VECTOR_WEIGHT, [id for _, id in sorted(near)])
            return

    def _thumbs(self, ids: Sequence[str]) -> dict[str, Thumbs]:
        if not ids:
            return {}
        given = self._select(f"kind = 'feedback' AND about IN ({quoted(ids)})")
        return thumbs_of(given)

    def _forget(self, condition: str) -> int:
        """Rows, what judges them, their vectors, their words in the index, and the old files of all that."""
        table = self._tables.documents()
        ids = self._ids(condition)
        ids |= self._ids(f"about IN ({quoted(ids)})") if ids else set()
        if not ids:
            return 0
        once_more(lambda: table.delete(f"id IN ({quoted(ids)})"), table)
        self._drop_vectors(ids)
        table.optimize()
        index(table)  # anew: an index keeps the words of rows that are gone
        for each in self._tables.all():
            each.optimize(cleanup_older_than=AT_ONCE)
        return len(ids)

    def _take_into_index(self) -> None:
        """Rows that are not in the index yet are searched one by one: 0.1 ms each, beside 6 ms for all that are."""
        table = self._tables.documents()
        stats = table.index_stats(WORDS_INDEX)
        if stats is not None and stats.num_unindexed_rows > UNINDEXED:
            with owned(self._lock, wait=False) as mine:
                if mine:
                    for each in self._tables.all():
                        each.optimize(cleanup_older_than=IN_USE)

    def _drop_vectors(self, ids: Collection[str]) -> None:
        for table in self._tables.all_vectors() if ids else ():
            once_more(partial(table.delete, f"id IN ({quoted(ids)})"), table)

    def _oldest_half(self) -> list[str]:
        query = self._tables.documents().search().where("kind != 'knowledge'").select(["id", "at"])
        rows = sorted(query.to_list(), key=lambda row: (row["at"], row["id"]))
        return [row["id"] for row in rows[: (len(rows) + 1) // 2]]

    def _embed(self, documents: Sequence[Document]) -> None:
        for embedder in self._embedders:
            for start in range(0, len(documents), BATCH):
                if not self._embed_with(embedder, documents[start : start + BATCH]):
                    break

    def _embed_with(self, embedder: Embedder, documents: Sequence[Document]) -> bool:
        """False when there are no vectors to be had: `catch_up` makes them later, full text finds them meanwhile."""
        if not documents:
            return True
        try:
            table = self._tables.vectors(embedder)
            vectors = embedder.embed([likeness_words(one) for one in documents])
        except ToolError as error:
            self._complain(embedder, error)
            return False
        rows = [
            {"id": one.id, "kind": one.kind, "vector": vector} for one, vector in zip(documents, vectors, strict=True)
        ]
        merge = table.merge_insert("id").when_matched_update_all().when_not_matched_insert_all()
        once_more(lambda: merge.execute(rows), table)
        self._lost.discard(embedder.name)
        return True

    def _without(self, embedder: Embedder) -> list[str]:
        """Documents that have no vector of this embedding yet. Feedback is found by what it judges and needs none."""
        table = self._tables.vectors(embedder)
        return sorted(self._ids(EMBEDDED) - {row["id"] for row in table.search().select(["id"]).to_list()})

    def _is_ready(self, embedder: Embedder) -> bool:
        table = self._tables.vectors(embedder, make=False)
        return table is not None and table.count_rows() >= NEARLY_ALL * self._tables.documents().count_rows(EMBEDDED)

    def _complain(self, embedder: Embedder, error: ToolError) -> None:
        if embedder.name not in self._lost:
            self._lost.add(embedder.name)
            log.warning("No vectors from %s, recall goes on without them: %s", embedder.name, error)

    def _known(self, ids: Sequence[str]) -> set[str]:
        return self._ids(f"id IN ({quoted(ids)})")

    def _ids(self, condition: str) -> set[str]:
        return {row["id"] for row in self._tables.documents().search().where(condition).select(["id"]).to_list()}

    def _read(self, ids: Collection[str]) -> dict[str, Document]:
        if not ids:
            return {}
        return {one.id: one for one in self._select(f"id IN ({quoted(ids)})")}

    def _select(self, condition: str) -> list[Document]:
        rows = self._tables.documents().search().where(condition).select(["document"]).to_list()
        found = [Document.model_validate_json(row["document"]) for row in rows]
        return list({one.id: one for one in found}.values())  # two processes may have put the same in one moment

    @contextmanager
    def _translated(self, done: str) -> Iterator[None]:
        """LanceDB raises what its own layers raise: RuntimeError, ValueError, OSError."""
        try:
            yield
        except (RuntimeError, ValueError, OSError) as error:
            first = str(error).partition("\n")[0][:200]
            raise MemoryUnusable(
                f"The memory in {self._folder} cannot be {done}: {first}.",
                "Check the folder, or name another one as [memory] folder.",
            ) from error
