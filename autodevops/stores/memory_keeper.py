"""Opens the memory when it is first needed, keeps it in order in the background, and does without it when it must.

LanceDB takes a second to import, so nothing here happens before somebody searches for what may be there: what ships
alone is searched in this process's memory. What ships is put in when it is another edition than last time, and
notes from the inbox with it. Where the folder cannot be used, a memory of this process stands in, with what ships.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from autodevops.domain.memory import KINDS, Document, DocumentKind, Passage
from autodevops.kernel.clock import Clock, utc_now
from autodevops.kernel.errors import MemoryUnusable
from autodevops.settings.model import MemorySettings
from autodevops.stores.memory_inbox import Inbox, absorb, may_hold, note_kind, writable
from autodevops.stores.memory_locks import owned
from autodevops.stores.memory_protocol import Embedder, Memory

log = logging.getLogger(__name__)

LEAVE_SECONDS = 5.0  # how long leaving waits for upkeep; it goes on where it stopped, next time


@dataclass(frozen=True)
class Shipped:
    """Documents that come with the program: kept under one source, and replaced as a whole."""

    source: str
    edition: Callable[[], str]
    documents: Callable[[], Sequence[Document]]


class MemoryKeeper:
    """May be used from any thread. `search` never raises for a memory that is unusable; `memory` does.

    Of `embedders` the last costs next to nothing: what ships is searched with that one while it is alone.
    """

    def __init__(
        self, settings: MemorySettings, embedders: Sequence[Embedder], shipped: Shipped, *, clock: Clock = utc_now
    ) -> None:
        self.folder = memory_folder(settings)
        self.inbox = Inbox(self.folder)
        self._settings = settings
        self._embedders = tuple(embedders)
        self._shipped = shipped
        self._clock = clock
        self._opening = threading.Lock()
        self._memory: Memory | None = None
        self._stand_in: Memory | None = None  # when the folder cannot be used
        self._alone: Memory | None = None  # what ships, while nothing else is asked for
        self._upkeep: threading.Thread | None = None
        self._opener: threading.Thread | None = None

    def may_hold(self, *kinds: DocumentKind) -> bool:
        """Whether anything of these kinds may have been kept: cheap, for those who would open it only to find none."""
        return may_hold(self.folder, kinds)

    def begin_opening(self) -> None:
        """In the background, for those who will ask soon."""
        if self._memory is None and self._stand_in is None and self._opener is None:
            self._opener = threading.Thread(target=self.usable, name="autodevops-memory-opening", daemon=True)
            self._opener.start()

    def memory(self) -> Memory:
        """The memory on disk, with all that lay in the inbox. Raises MemoryUnusable."""
        with self._opening:
            if self._memory is None:
                self._memory = self._opened()
                self._upkeep = threading.Thread(target=self._keep_in_order, name="autodevops-memory", daemon=True)
                self._upkeep.start()
        absorb(self.folder, self._memory)
        return self._memory

    def search(self, text: str, kinds: Collection[DocumentKind] = KINDS, limit: int = 5) -> tuple[Passage, ...]:
        if self._memory is None and not self.may_hold(*kinds, "feedback"):  # thumbs move what is found
            self._alone = self._alone or self._what_ships()
            return self._alone.search(text, kinds, limit)
        return self.usable().search(text, kinds, limit)

    def add(self, source: str, documents: Sequence[Document]) -> None:
        """Put in what a person adds, in place of what the source said before. Raises MemoryUnusable."""
        memory = self.memory()
        for kind in {one.kind for one in documents}:
            note_kind(self.folder, kind)
        memory.replace(source, documents)

    def usable(self) -> Memory:
        """The memory on disk, or what stands in for it."""
        if self._stand_in is not None:
            return self._stand_in
        try:
            return self.memory()
        except MemoryUnusable as error:
            log.warning("Recall goes on with what ships alone. %s", error)
            self._stand_in = self._alone or self._what_ships()
            return self._stand_in

    def require_room(self) -> None:
        """Raises MemoryUnusable when the folder is as large as it may become."""
        most, size = self._settings.max_megabytes, self.memory().size() / 1e6
        if size > most:
            raise MemoryUnusable(
                f"The memory in {self.folder} has {size:.0f} MB; {most} MB is the most it may.",
                "Remove what is not needed (`autodevops kb remove`), or raise [memory] max_megabytes.",
            )

    def tidy(self) -> int:
        """Forget what is too old or too much; says how many."""
        keep = timedelta(days=self._settings.keep_days)
        return self.memory().tidy(keep=keep, megabytes=self._settings.max_megabytes)

    def close(self) -> None:
        for thread in (self._opener, self._upkeep):
            if thread is not None:
                thread.join(timeout=LEAVE_SECONDS)
        if self._memory is not None:
            self._memory.close()

    def _what_ships(self) -> Memory:
        from autodevops.stores.memory_twin import TwinMemory

        twin = TwinMemory(self._embedders[-1:], clock=self._clock)
        twin.replace(self._shipped.source, self._shipped.documents())
        return twin

    def _opened(self) -> Memory:
        from autodevops.stores.memory_lance import LanceMemory

        memory = LanceMemory(self.folder, self._embedders, clock=self._clock)
        stamp, edition = self.folder / "edition", self._shipped.edition()
        with writable(self.folder):
            if not stamp.exists() or stamp.read_text() != edition:
                with owned(self.folder / "shipping.lock"):
                    memory.replace(self._shipped.source, self._shipped.documents())
                    stamp.write_text(edition)
            if not (self.folder / "own").is_dir():
                (self.folder / "own").mkdir(exist_ok=True)
                absorb(self.folder, memory)  # notes that were left without a mark
                for one in memory.sources():
                    if one.source != self._shipped.source:
                        note_kind(self.folder, one.kind)
        return memory

    def _keep_in_order(self) -> None:
        """Once a process: vectors that are missing; once a day: what is too old."""
        assert self._memory is not None
        try:
            self._memory.catch_up()
            stamp, today = self.folder / "tidied", f"{self._clock():%Y-%m-%d}"
            if not stamp.exists() or stamp.read_text() != today:
                stamp.write_text(today)
                self._memory.tidy(keep=timedelta(days=self._settings.keep_days), megabytes=self._settings.max_megabytes)
        except (MemoryUnusable, OSError) as error:
            log.warning("The memory could not be kept in order: %s", error)


def memory_folder(settings: MemorySettings) -> Path:
    import platformdirs

    return settings.folder or platformdirs.user_state_path("autodevops") / "memory"
