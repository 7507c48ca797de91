"""The handbook is found by what people ask. The figures by embedding and half are in docs/benchmarks.md."""

from __future__ import annotations

import pytest
from knowledge.retrieval import Half, measured, pairs

from autodevops.knowledge import handbook
from autodevops.stores.memory_hashing import HashingEmbedder
from autodevops.stores.memory_twin import TwinMemory


@pytest.fixture(scope="module")
def memory() -> TwinMemory:
    memory = TwinMemory([HashingEmbedder()])
    memory.replace(handbook.SOURCE, handbook.documents())
    return memory


def test_there_are_at_least_a_hundred_pairs_in_two_halves_over_all_articles() -> None:
    found = pairs()
    assert len(found) >= 100
    assert len({pair.question for pair in found}) == len(found)
    assert {pair.title for pair in found} == {article.title for article in handbook.articles()}
    assert min(sum(pair.half == half for pair in found) for half in ("tuned", "unseen")) >= 50


@pytest.mark.parametrize("half", ["tuned", "unseen"])
def test_nine_of_ten_questions_find_their_article_among_the_first_five(memory: TwinMemory, half: Half) -> None:
    asked = [pair for pair in pairs() if pair.half == half]
    figures = measured(asked, lambda text: [one.title for one in memory.search(text, ["knowledge"], 10)])
    assert figures.five >= 0.9
    assert figures.first >= 0.75
