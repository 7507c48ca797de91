"""What is news: no storm from what flaps, nothing ends that could not be seen, names decide nothing."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from autodevops.domain.signal import Blind, Look, Signal, SignalSource
from autodevops.domain.subject import Subject
from autodevops.scarlet.watching import News, Noticing

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
KUBERNETES = Blind(system="kubernetes", words="It does not answer.", hides=("object/",))


def signal(name: str = "CrashLoopBackOff", source: SignalSource = "object", namespace: str = "shop") -> Signal:
    return Signal(
        key=f"{source}/Pod/{name}/{namespace}/Deployment/cart",
        source=source,
        name=name,
        namespace=namespace,
        subject=Subject(kind="Deployment", name="cart", namespace=namespace),
        severity="major",
        words="It crashes.",
        since=NOON,
    )


def play(
    looks: Sequence[tuple[Signal, ...] | Blind], *, step: float = 30, noticing: Noticing | None = None
) -> list[News]:
    noticing = noticing or Noticing()
    told = []
    for number, found in enumerate(looks):
        at = NOON + timedelta(seconds=number * step)
        blind = isinstance(found, Blind)
        told.append(noticing.notice(Look(at=at, blind=(found,)) if blind else Look(at=at, signals=found)))
    return told


def counts(told: list[News]) -> tuple[int, int]:
    return sum(len(news.fresh) for news in told), sum(len(news.ended) for news in told)


def test_signal_is_news_once_and_ends_when_it_has_been_quiet_for_a_while() -> None:
    told = play([(signal(),)] * 4 + [()] * 8)
    assert counts(told) == (1, 1)
    assert told[0].fresh
    assert [len(news.active) for news in told] == [1] * 9 + [0] * 3  # gone at the fifth look, over two minutes later


def test_metric_counts_only_when_it_lasts() -> None:
    odd = signal("ErrorsUp", "metric")
    assert counts(play([(odd,)] + [()] * 20)) == (0, 0)
    told = play([(odd,)] * 3)
    assert [len(news.fresh) for news in told] == [0, 1, 0]


def test_blind_source_ends_nothing_and_its_sight_again_does() -> None:
    told = play([(signal(),), *[KUBERNETES] * 60, *[()] * 8])
    assert counts(told) == (1, 1)
    assert all(news.active for news in told[:61])
    other = Blind(system="loki", words="It does not answer.", hides=("log/",))
    assert counts(play([(signal(),), *[other] * 20])) == (1, 1)


def test_muted_signal_is_no_news_and_a_known_one_has_not_ended() -> None:
    noticing = Noticing()
    muted = [Look(at=NOON + timedelta(minutes=minute), muted=(signal(),)) for minute in range(10)]
    assert all(not news.active for news in map(noticing.notice, muted))
    noticing = Noticing(known=[signal()])
    assert all(news.active and not news.fresh and not news.ended for news in map(noticing.notice, muted))


@given(st.lists(st.booleans(), min_size=1, max_size=200))
def test_whatever_flaps_there_are_few_beginnings_and_each_ends_after_quiet(there: list[bool]) -> None:
    told = play([(signal(),) if one else () for one in there] + [()] * 32)
    began, ended = counts(told)
    quiet = 1 + sum(1 for four in zip(there, there[1:], there[2:], there[3:], strict=False) if not any(four))
    assert began == ended <= quiet
    assert not told[-1].active


@given(
    st.lists(st.sets(st.sampled_from(("A", "B", "C"))), max_size=60),
    st.sampled_from(("a", "pay-1", "zz9")),
)
def test_renaming_namespaces_changes_nothing(looks: list[set[str]], name: str) -> None:
    def told(namespace: str) -> list[tuple[list[str], list[str]]]:
        news = play([tuple(signal(one, namespace=namespace) for one in sorted(found)) for found in looks])
        return [([one.name for one in each.fresh], [one.name for one in each.ended]) for each in news]

    assert told("shop") == told(name)
