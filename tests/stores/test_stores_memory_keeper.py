"""The memory is opened late, holds what ships, is kept in order, and is done without where it cannot be used."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from stores.memory_samples import DNS, NOW, OOM, PULL, article, turn

from autodevops.domain.memory import KINDS, Document
from autodevops.kernel.errors import MemoryUnusable
from autodevops.settings import MemorySettings
from autodevops.stores.memory_hashing import HashingEmbedder
from autodevops.stores.memory_keeper import MemoryKeeper, Shipped


def keeper(
    folder: Path,
    documents: Sequence[Document] = (OOM, DNS),
    *,
    edition: str = "1",
    now: datetime = NOW,
    **more: int,
) -> MemoryKeeper:
    shipped = Shipped("shipped", lambda: edition, lambda: documents)
    settings = MemorySettings.model_validate({"folder": folder, **more})
    return MemoryKeeper(settings, [HashingEmbedder()], shipped, clock=lambda: now)


def test_what_ships_is_there_and_a_new_edition_takes_its_place(tmp_path: Path) -> None:
    first = keeper(tmp_path)
    assert first.search("OOMKilled")[0].id == OOM.id
    first.close()
    newer = article("Memory, second edition", "Shorter.", "shipped")
    second = keeper(tmp_path, [newer], edition="2")
    assert [(one.source, one.documents) for one in second.memory().sources()] == [("shipped", 1)]
    second.close()


def test_nothing_is_opened_before_it_is_asked_for(tmp_path: Path) -> None:
    made = keeper(tmp_path / "memory")
    assert not made.may_hold(*KINDS)
    made.close()
    assert not (tmp_path / "memory").exists()
    code = (
        "import sys\nfrom autodevops.settings import Settings\nfrom autodevops.workbench import memory_keeper\n"
        "keeper = memory_keeper(Settings())\nprint('lancedb' in sys.modules, 'pyarrow' in sys.modules)\n"
        "print(keeper.search('OOMKilled')[0].kind, 'lancedb' in sys.modules)"
    )
    ours = os.environ | {"XDG_STATE_HOME": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=ours)
    assert done.stdout.split() == ["False", "False", "knowledge", "False"]


def test_the_store_is_opened_only_for_kinds_that_it_may_hold(tmp_path: Path) -> None:
    first = keeper(tmp_path)
    first.inbox.leave(turn("why is mysql slow?", "locks"))
    assert first.search("OOMKilled", ["knowledge", "incident"])[0].id == OOM.id
    assert not (tmp_path / "lance").exists()
    first.add("wiki", [PULL])
    first.close()
    assert keeper(tmp_path).search("registry denies the tag", ["incident"]) == ()
    second = keeper(tmp_path)
    assert second.search("registry denies the tag", ["knowledge"])[0].id == PULL.id
    second.close()

    for mark in (tmp_path / "own").iterdir():  # a folder from before there were marks
        mark.unlink()
    (tmp_path / "own").rmdir()
    third = keeper(tmp_path)
    third.inbox.leave(turn("why is redis slow?", "swap"))
    assert third.search("registry denies the tag", ["knowledge"])[0].id == PULL.id
    assert sorted(mark.name for mark in (tmp_path / "own").iterdir()) == ["conversation", "knowledge"]
    third.close()


def test_notes_left_meanwhile_are_found(tmp_path: Path) -> None:
    made = keeper(tmp_path)
    assert made.search("mysql locks", ["conversation"]) == ()
    made.inbox.leave(turn("why is mysql slow?", "locks"))
    assert made.may_hold("conversation")
    assert not made.may_hold("incident")
    assert made.search("mysql locks", ["conversation"])[0].text == "locks"
    made.close()


def test_an_unusable_folder_leaves_what_ships(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "file").write_text("")
    made = keeper(tmp_path / "file" / "memory")
    assert made.search("OOMKilled")[0].id == OOM.id
    assert made.usable().search("no such host")[0].id == DNS.id
    assert made.usable() is made.usable()
    assert caplog.text.count("Recall goes on with what ships alone") == 1
    with pytest.raises(MemoryUnusable):
        made.memory()
    with pytest.raises(MemoryUnusable, match="cannot be written"):
        made.inbox.leave(turn("a", "b"))
    made.close()


def test_notes_that_cannot_be_taken_in_leave_what_ships(tmp_path: Path) -> None:
    made = keeper(tmp_path)
    made.memory()
    made.inbox.leave(turn("why is mysql slow?", "locks"))
    (tmp_path / "absorbing.lock").mkdir()
    assert made.search("OOMKilled")[0].id == OOM.id
    with pytest.raises(MemoryUnusable, match="cannot be written"):
        made.memory()
    made.close()


def test_upkeep_forgets_what_is_too_old_once_a_day(tmp_path: Path) -> None:
    made = keeper(tmp_path, keep_days=30)
    made.memory().put(turn("old", "x", days_ago=20.0), turn("new", "y"))
    made.close()
    later = keeper(tmp_path, now=NOW + timedelta(days=15), keep_days=30)
    later.memory()
    later.close()  # waits for upkeep
    assert [one.documents for one in later.memory().sources(["conversation"])] == [1]


def test_no_more_is_taken_than_there_is_room_for(tmp_path: Path) -> None:
    made = keeper(tmp_path, max_megabytes=1)
    made.require_room()
    made.memory().put(article("Large", "\n".join(f"{n} {n * 7919 % 10007}" for n in range(200_000)), "large"))
    with pytest.raises(MemoryUnusable, match="1 MB is the most it may"):
        made.require_room()
    made.close()
