"""One suite for every memory: on disk and in one process."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import TypeAlias

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from stores.memory_samples import ARTICLES, DNS, NOW, OOM, PULL, BentEmbedder, article, thumb, turn

from autodevops.domain.memory import Document
from autodevops.stores.memory_hashing import HashingEmbedder
from autodevops.stores.memory_lance import LanceMemory
from autodevops.stores.memory_protocol import Embedder, Memory
from autodevops.stores.memory_twin import TwinMemory

Make: TypeAlias = Callable[[Sequence[Embedder]], Memory]


@pytest.fixture(params=["disk", "twin"])
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Make:
    if request.param == "disk":
        return lambda embedders: LanceMemory(tmp_path, embedders, clock=lambda: NOW)
    return lambda embedders: TwinMemory(embedders, clock=lambda: NOW)


@pytest.fixture
def memory(make: Make) -> Iterator[Memory]:
    memory = make([HashingEmbedder()])
    memory.put(*ARTICLES)
    yield memory
    memory.close()


def titles(found: Sequence[object]) -> list[str]:
    return [str(getattr(one, "title", "")) for one in found]


@pytest.mark.parametrize(
    ("question", "found"),
    [
        ("container was OOMKilled", OOM),
        ("exit code 137?", OOM),
        ("lookup payments no such host", DNS),
        ("what does image pull back off mean", PULL),
        ("certifcates and regstry denied", PULL),  # misspelt: by likeness
    ],
)
def test_question_finds_its_document_first(memory: Memory, question: str, found: Document) -> None:
    assert memory.search(question)[0].id == found.id


def test_passage_says_where_it_comes_from_and_why_it_is_there(memory: Memory) -> None:
    first = memory.search("OOMKilled")[0]
    assert (first.title, first.text, first.source, first.kind, first.at) == (
        OOM.title, OOM.text, "shipped", "knowledge", NOW,
    )  # fmt: skip
    assert first.why == "full text #1, likeness #1"
    assert first.score == 1.0


def test_only_the_wanted_kinds_are_found(memory: Memory) -> None:
    memory.put(turn("why is checkout OOMKilled?", "memory grew"))
    assert {one.kind for one in memory.search("OOMKilled memory", ["conversation"])} == {"conversation"}
    assert {one.kind for one in memory.search("OOMKilled memory", ["knowledge"])} == {"knowledge"}
    assert memory.search("OOMKilled", []) == ()


def test_limit_is_kept_and_everything_else_is_still_read(memory: Memory) -> None:
    memory.put(*(article(f"Note {n}", f"memory note number {n}", f"note-{n}") for n in range(30)))
    assert len(memory.search("memory", limit=3)) == 3
    assert sum(one.documents for one in memory.sources()) == 33


def test_the_same_document_twice_is_one(memory: Memory) -> None:
    memory.put(OOM, OOM)
    assert titles(memory.search("OOMKilled")).count(OOM.title) == 1
    assert sum(one.documents for one in memory.sources()) == 3


def test_replacing_a_source_leaves_nothing_of_it_and_all_of_others(memory: Memory) -> None:
    newer = article("Memory limits", "The limit was raised.", "shipped")
    memory.replace("shipped", [newer])
    assert {one.source: one.documents for one in memory.sources()} == {"shipped": 1, "wiki": 1}
    assert DNS.id not in {one.id for one in memory.search("lookup no such host CoreDNS")}
    assert memory.search("limit was raised")[0].id == newer.id
    memory.replace("shipped", [])
    assert [one.source for one in memory.sources()] == ["wiki"]


def test_replacing_with_documents_of_another_source_is_refused(memory: Memory) -> None:
    with pytest.raises(ValueError, match="not from 'shipped'"):
        memory.replace("shipped", [PULL])
    assert sum(one.documents for one in memory.sources()) == 3


def test_reasons_are_looked_up_exactly(memory: Memory) -> None:
    assert memory.about_reason("OOMKilled") == (OOM,)
    assert memory.about_reason("OOM") == ()
    assert memory.about_reason("OOMKilled", ["incident"]) == ()
    assert memory.about_reason("x') OR true --") == ()


def test_document_is_found_by_the_beginning_of_its_id(memory: Memory) -> None:
    assert memory.document(OOM.id) == OOM
    assert memory.document(OOM.id[:8]) == OOM
    assert memory.document("") is None
    assert memory.document("%' OR '1'='1") is None


def test_forgotten_is_not_found_nor_is_what_judged_it(memory: Memory) -> None:
    memory.put(
        turn("why slow?", "locks in mysql"), turn("and now?", "locks are gone"), turn("other", "locks", "talk-2")
    )
    memory.put(thumb(OOM, 1, "correct it"))
    assert memory.forget(conversation="talk-1") == 2
    assert {one.text for one in memory.search("locks", ["conversation"])} == {"locks"}
    assert memory.forget(ids=[OOM.id]) == 2
    assert OOM.id not in {one.id for one in memory.search("OOMKilled")}
    assert memory.search("correct it", ["feedback"]) == ()
    assert memory.forget(ids=[OOM.id]) == 0
    assert memory.forget(kind="conversation") == 1
    assert memory.forget(sources=["wiki", "none"]) == 1
    assert memory.forget() == 0


def test_thumbs_change_places_within_bounds_and_say_so(memory: Memory) -> None:
    one = article("Restarting pods", "How to restart a pod safely", "a")
    two = article("Restarting pods", "How to restart a pod safely.", "b")
    memory.put(one, two)
    before = [found.id for found in memory.search("restart a pod safely", limit=2)]
    liked = one if before[1] == one.id else two
    memory.put(thumb(liked, 1), thumb(liked, 1, minute=1), thumb(liked, 1, "Drain it first.", minute=2))
    first = memory.search("restart a pod safely", limit=2)[0]
    assert first.id == liked.id
    assert "thumbs 3 up, 0 down (x1.15), 1 correction" in first.why
    memory.put(*(thumb(liked, -1, minute=10 + n) for n in range(9)))
    assert memory.search("restart a pod safely", limit=2)[0].id != liked.id
    assert memory.forget(kind="feedback") == 12
    assert [found.id for found in memory.search("restart a pod safely", limit=2)] == before


def test_thumbs_do_not_bring_up_what_does_not_fit(memory: Memory) -> None:
    memory.put(*(thumb(DNS, 1, minute=n) for n in range(40)))
    assert memory.search("OOMKilled exit code 137")[0].id == OOM.id


def test_recall_goes_on_by_full_text_when_the_embedder_is_dead(make: Make) -> None:
    bent = BentEmbedder()
    memory = make([bent])
    memory.put(*ARTICLES)
    bent.dead = True
    memory.put(article("Volumes that are full", "no space left on device", "late"))
    assert memory.search("OOMKilled")[0].why == "full text #1"
    assert memory.search("no space left")[0].title == "Volumes that are full"
    bent.dead = False
    assert memory.catch_up() == 1
    assert memory.catch_up() == 0
    assert memory.search("resolve")[0].why == "full text #1, likeness #1"


def test_embeddings_are_never_mixed_and_the_preferred_one_is_used_once_it_has_all(make: Make) -> None:
    bent, hashing = BentEmbedder(), HashingEmbedder()
    bent.dead = True
    memory = make([bent, hashing])
    memory.put(*ARTICLES)
    assert memory.search("OOMKilled")[0].why == "full text #1, likeness #1"
    assert memory.embedded().get("bent", 0) == 0
    bent.dead = False
    assert memory.catch_up() == 3
    assert memory.embedded() == {"bent": 3, hashing.name: 3}
    assert memory.search("sdram", embedding="bent")[0].id == OOM.id
    assert memory.search("sdram", embedding="text") == ()


def test_anew_throws_away_vectors_of_embeddings_that_are_no_longer_used(make: Make) -> None:
    memory = make([BentEmbedder(), HashingEmbedder()])
    memory.put(*ARTICLES)
    assert memory.catch_up(anew=True) == 6
    assert memory.search("OOMKilled")[0].id == OOM.id


def test_tidying_forgets_the_old_and_then_the_oldest_and_never_knowledge(memory: Memory) -> None:
    memory.put(*(turn(f"question {n}", "x" * 40_000, f"talk-{n}", days_ago=n) for n in range(20)))
    assert memory.tidy(keep=timedelta(days=9.5), megabytes=1000) == 10
    assert memory.tidy(keep=timedelta(days=9.5), megabytes=1000) == 0
    assert memory.tidy(keep=timedelta(days=365), megabytes=0) == 10
    assert {one.kind for one in memory.sources()} == {"knowledge"}
    assert memory.search("OOMKilled")[0].id == OOM.id


@given(
    text=st.text(max_size=80)
    | st.sampled_from(["'", '"', "a AND (", "id IN ('x') OR 1=1 --", "*", "\0", "🙂", "\ud800"])
)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_text_can_be_asked_for(memory: Memory, text: str) -> None:
    assert len(memory.search(text)) <= 3
