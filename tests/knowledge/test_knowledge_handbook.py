"""The handbook keeps its promises: enough articles, of a readable length, each linked to reasons that exist."""

from __future__ import annotations

import re

import promql_parser
import pytest

from autodevops.investigation.rules import REASONS
from autodevops.knowledge.handbook import Article, articles, documents, edition, for_reason
from autodevops.sandbox.tempo.parser import parse_query

SECTIONS = ["What it looks like", "Why it happens", "How to confirm", "What to do", "What not to do"]


@pytest.mark.parametrize("article", articles(), ids=lambda article: article.name)
def test_article_is_complete_and_short(article: Article) -> None:
    assert [line.removeprefix("## ") for line in article.text.splitlines() if line.startswith("## ")] == SECTIONS
    assert 150 <= len(article.text.split()) <= 350
    assert article.title
    assert len(article.tags) >= 3
    assert article.sources


def test_there_are_at_least_sixty_on_all_four_systems() -> None:
    assert len(articles()) >= 60
    for tag, least in {"kubernetes": 25, "prometheus": 8, "loki": 5, "tempo": 4}.items():
        assert sum(tag in article.tags for article in articles()) >= least, tag


def test_titles_and_words_are_each_articles_own() -> None:
    assert len({one.title for one in articles()}) == len(articles())
    assert len({one.id for one in documents()}) == len(articles())


def test_every_named_reason_exists() -> None:
    assert {reason for article in articles() for reason in article.reasons} <= REASONS


def test_every_reason_has_an_article() -> None:
    without = sorted(reason for reason in REASONS if not for_reason(reason))
    assert not without, f"{len(REASONS) - len(without)} of {len(REASONS)} reasons have an article; not: {without}"


def test_reason_is_explained_by_its_most_particular_article_first() -> None:
    assert [article.name for article in for_reason("NodesCordoned")] == ["node-drain", "disruption-budgets"]
    assert for_reason("OOMKilled")[0].name == "oom-killed"
    assert for_reason("NoSuchReason") == ()


def test_edition_follows_from_the_articles() -> None:
    assert len(edition()) == 32
    assert edition() == edition()


def test_queries_of_articles_can_be_parsed() -> None:
    quoted = [text for article in articles() for text in re.findall(r"`([^`]+)`", article.text)]
    traceql = [text for text in quoted if re.match(r"\{ |\{\} \|", text)]
    promql = [text for text in quoted if re.match(r"\w+ ?\(.*\[\d+[smhd]\]|\w+ by \(\w+\) \(rate|\w+\{\w+=", text)]
    promql = [text for text in promql if not re.search(r"bytes_over_time|\} \| ", text)]  # LogQL
    assert len(traceql) >= 8
    assert len(promql) >= 30
    for text in traceql:
        parse_query(text)
    for text in promql:
        promql_parser.parse(text)
