"""What runs out is foreseen from Prometheus' own answers, and a Prometheus that is away is not taken for health."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from scarlet.metric_memory import Level, prometheus

from autodevops.domain.signal import Look, Signal
from autodevops.investigation.supplies import SUPPLIES
from autodevops.kernel.errors import ToolUnavailable
from autodevops.scarlet.learning.announcing import announce_forever, enter_news, watched
from autodevops.scarlet.learning.foresight import LEAD, Foresight, foresee
from autodevops.scarlet.watching.foreseen import Foreseen
from autodevops.settings import LearningSettings, WatchSettings
from autodevops.stores.ledger_twin import MemoryLedger
from autodevops.toolbox.protocol import ToolAnswer
from autodevops.toolbox.testing import ScriptedTools

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
SETTINGS = LearningSettings()
GB = 1e9


def foreseen(series: dict[str, Level]) -> tuple[Signal, ...]:
    look = asyncio.run(foresee(prometheus(NOW, series), NOW, SETTINGS))
    assert look.blind == ()
    return look.signals


def used(now: float, per_hour: float) -> Level:
    """A share that is `now` and rises so much an hour."""
    return lambda hour: now + per_hour * hour


DISK = 'instance="node-1:9100",mountpoint="/",fstype="ext4"'
POD = 'namespace="shop",pod="cart-1",container="cart"'
QUOTA = 'namespace="shop",resourcequota="shop",resource="requests.cpu"'

# What Prometheus has; then the signal's name, about whom, and in how many hours.
RUNS_OUT: dict[str, tuple[dict[str, Level], str, str, float]] = {
    "a node's disk": (
        {
            f"node_filesystem_avail_bytes{{{DISK}}}": lambda hour: 100 * GB * (1 - used(0.8, 0.04)(hour)),
            f"node_filesystem_size_bytes{{{DISK}}}": lambda hour: 100 * GB,
        },
        "DiskRunsOut", "Node node-1", 5.0,
    ),
    "a volume": (
        {
            'kubelet_volume_stats_available_bytes{namespace="shop",persistentvolumeclaim="data"}': (
                lambda hour: GB * (1 - used(0.7, 0.02)(hour))
            ),
            'kubelet_volume_stats_capacity_bytes{namespace="shop",persistentvolumeclaim="data"}': lambda hour: GB,
        },
        "VolumeRunsOut", "PersistentVolumeClaim shop/data", 15.0,
    ),
    "memory of a container": (
        {
            f"container_memory_working_set_bytes{{{POD}}}": lambda hour: GB * used(0.9, 0.05)(hour),
            f'kube_pod_container_resource_limits{{{POD},resource="memory"}}': lambda hour: GB,
        },
        "MemoryRunsOut", "Pod shop/cart-1", 2.0,
    ),
    "a quota": (
        {
            f'kube_resourcequota{{{QUOTA},type="used"}}': lambda hour: np.round(10 * used(0.8, 0.02)(hour), 1),
            f'kube_resourcequota{{{QUOTA},type="hard"}}': lambda hour: 10,
        },
        "QuotaRunsOut", "ResourceQuota shop/shop", 10.0,
    ),
    "an error budget of Sloth's": (
        {
            'slo:period_error_budget_remaining:ratio{sloth_service="cart",sloth_slo="requests"}': (
                lambda hour: 1 - used(0.75, 0.025)(hour)
            )
        },
        "ErrorBudgetRunsOut", "Service cart", 10.0,
    ),
    "an error budget of Pyrra's": (
        {
            'pyrra_availability{namespace="shop",slo="cart"}': lambda hour: 1 - 0.01 * used(0.75, 0.025)(hour),
            'pyrra_objective{namespace="shop",slo="cart"}': lambda hour: 0.99,
        },
        "ErrorBudgetRunsOut", "ServiceLevelObjective shop/cart", 10.0,
    ),
    "connections of a database": (
        {
            'pg_stat_activity_count{namespace="shop",instance="db:9187",state="active"}': (
                lambda hour: 40 + 5 * (hour + 6)
            ),
            'pg_stat_activity_count{namespace="shop",instance="db:9187",state="idle"}': lambda hour: 10,
            'pg_settings_max_connections{namespace="shop",instance="db:9187"}': lambda hour: 100,
        },
        "DatabaseConnectionsRunsOut", "Service shop/db", 4.0,
    ),
    "a connection pool": (
        {
            'hikaricp_connections_active{namespace="shop",pod="cart-1",pool="main"}': lambda hour: 8 + 0.5 * hour,
            'hikaricp_connections_max{namespace="shop",pod="cart-1",pool="main"}': lambda hour: 10,
        },
        "ConnectionPoolRunsOut", "Pod shop/cart-1", 4.0,
    ),
}  # fmt: skip


WORDS = {
    "DiskRunsOut": "Disk", "VolumeRunsOut": "Volume", "MemoryRunsOut": "Memory", "QuotaRunsOut": "Quota",
    "ErrorBudgetRunsOut": "Error budget", "DatabaseConnectionsRunsOut": "Database connections",
    "ConnectionPoolRunsOut": "Connection pool",
}  # fmt: skip


@pytest.mark.parametrize(("series", "name", "about", "hours"), RUNS_OUT.values(), ids=RUNS_OUT)
def test_what_runs_out(series: dict[str, Level], name: str, about: str, hours: float) -> None:
    (signal,) = foreseen(series)
    assert (signal.source, signal.name, str(signal.subject)) == ("prediction", name, about)
    assert float(signal.labels[LEAD]) == pytest.approx(hours, rel=0.1, abs=0.1)
    assert signal.words.startswith(f"{WORDS[name]} of {about}")
    assert "with 95 % confidence" in signal.words
    assert signal.severity == ("major" if hours <= 4 else "minor")
    assert signal.since < NOW


def memory(level: Level) -> dict[str, Level]:
    series, _, _, _ = RUNS_OUT["memory of a container"]
    return {name: level if name.startswith("container") else limit for name, limit in series.items()}


QUIET: dict[str, Level] = {
    "it is constant": lambda hour: 0.8 * GB,
    "it is cleaned every two hours": lambda hour: GB * (0.5 + 0.4 * (hour % 2) / 2),
    "it rises too slowly": lambda hour: GB * used(0.6, 0.01)(hour),
    "it rises and is hardly used": lambda hour: GB * used(0.3, 0.04)(hour),
    "it rose and is gone": lambda hour: np.where(hour < -1, GB * used(0.9, 0.05)(hour), np.nan),
    "it is ten minutes old": lambda hour: np.where(hour > -1 / 6, GB * used(0.9, 2)(hour), np.nan),
}


@pytest.mark.parametrize("level", QUIET.values(), ids=QUIET)
def test_what_does_not(level: Level) -> None:
    assert foreseen(memory(level)) == ()


def ends_in(days: float) -> Level:
    return lambda hour: NOW.timestamp() + days * 86_400


CERTIFICATES: dict[str, tuple[dict[str, Level], str]] = {
    "probed, near its end": (
        {'probe_ssl_earliest_cert_expiry{instance="https://shop.example.org/cart"}': ends_in(9)},
        "The certificate of shop.example.org ends in 9 days, on 2026-12-03 12:00 UTC.",
    ),
    "of an ingress": (
        {'nginx_ingress_controller_ssl_expire_time_seconds{namespace="shop",host="shop.example.org"}': ends_in(0.1)},
        "The certificate of shop.example.org ends in 2 h, on 2026-11-24 14:24 UTC.",
    ),
    "over": (
        {'probe_ssl_earliest_cert_expiry{instance="https://shop.example.org"}': ends_in(-1)},
        "The certificate of shop.example.org has ended, on 2026-11-23 12:00 UTC.",
    ),
    "with time": ({'probe_ssl_earliest_cert_expiry{instance="https://shop.example.org"}': ends_in(40)}, ""),
    "renewed in time by cert-manager": (
        {
            'certmanager_certificate_expiration_timestamp_seconds{namespace="shop",name="cart"}': ends_in(5),
            'certmanager_certificate_renewal_timestamp_seconds{namespace="shop",name="cart"}': ends_in(3),
        },
        "",
    ),
    "whose renewal is late": (
        {
            'certmanager_certificate_expiration_timestamp_seconds{namespace="shop",name="cart"}': ends_in(5),
            'certmanager_certificate_renewal_timestamp_seconds{namespace="shop",name="cart"}': ends_in(-1),
        },
        "The certificate of cart ends in 5 days, on 2026-11-29 12:00 UTC.",
    ),
}


@pytest.mark.parametrize(("series", "words"), CERTIFICATES.values(), ids=CERTIFICATES)
def test_certificates(series: dict[str, Level], words: str) -> None:
    assert [signal.words for signal in foreseen(series)] == ([words] if words else [])


def test_a_prometheus_that_is_away_is_blindness_and_not_health() -> None:
    away = ToolUnavailable("Prometheus does not answer.")
    tools = ScriptedTools({"prometheus.query_range": away, "prometheus.query_instant": away})
    look = asyncio.run(foresee(tools, NOW, SETTINGS))
    assert look.signals == ()
    assert [(one.system, one.words) for one in look.blind] == [("prometheus", "Prometheus does not answer.")]


def test_as_a_source_it_is_asked_every_five_minutes_and_at_once_when_it_was_blind() -> None:
    tools = prometheus(NOW, RUNS_OUT["a volume"][0])
    source = Foreseen(Foresight(tools, SETTINGS))

    def look(minutes: float) -> tuple[int, int]:
        sight = asyncio.run(source.look(NOW + timedelta(minutes=minutes)))
        assert sight.blind == ()
        return len(sight.seen), len(tools.calls)

    each = len(SUPPLIES) + 2
    assert [look(0), look(2), look(4.9), look(5)] == [(1, each), (1, each), (1, each), (1, 2 * each)]
    away = ScriptedTools({"prometheus.query_range": ToolUnavailable("It is away.")})
    blind = Foreseen(Foresight(away, SETTINGS))
    sights = [asyncio.run(blind.look(NOW)) for _ in range(2)]
    assert all(one.hides == ("prediction/",) for sight in sights for one in sight.blind)
    assert len(away.calls) == 2 * each


ODD: dict[str, Any] = {
    "another shape": {"result_type": "matrix", "series": "none"},
    "nothing": None,
    "cut": ToolAnswer(data={"result_type": "matrix", "series": [], "truncated": True}, truncated=True),
}


@pytest.mark.parametrize("answer", ODD.values(), ids=ODD)
def test_an_answer_that_cannot_be_used_is_told(answer: Any) -> None:
    tools = ScriptedTools({"prometheus.query_range": answer, "prometheus.query_instant": answer})
    look = asyncio.run(foresee(tools, NOW, SETTINGS))
    assert look.signals == ()
    assert look.blind


def test_people_are_told_once_a_day_and_again_when_it_is_near() -> None:
    ledger = MemoryLedger()

    def told(hours: float, left: float) -> int:
        now = NOW + timedelta(hours=hours)
        look = asyncio.run(
            foresee(prometheus(now, memory(lambda hour: GB * used(1 - 0.04 * left, 0.04)(hour))), now, SETTINGS)
        )
        assert len(look.signals) == 1
        return len(enter_news(ledger, look))

    # hours from the first time, and that are left by then
    assert [told(0, 10), told(1, 9), told(7, 3), told(8, 2), told(32, 3)] == [1, 0, 1, 0, 1]
    events = list(ledger.events(kind="scarlet"))
    assert [event.what for event in events] == ["foresaw"] * 3
    assert "Memory of Pod shop/cart-1 (cart)" in str(events[0].data["words"])


def test_nobody_is_told_of_namespaces_that_are_not_watched() -> None:
    volume, disk = RUNS_OUT["a volume"][0], RUNS_OUT["a node's disk"][0]
    look = asyncio.run(foresee(prometheus(NOW, {**volume, **disk}), NOW, SETTINGS))
    seen = {namespaces: watched(look, WatchSettings(namespaces=namespaces)) for namespaces in (("shop",), ("other",))}
    assert [one.name for one in seen["shop",].signals] == ["DiskRunsOut", "VolumeRunsOut"]
    assert [one.name for one in seen["other",].signals] == ["DiskRunsOut"]


async def test_who_is_told_hears_the_words_and_a_failure_stops_nothing() -> None:
    heard: list[str] = []
    looks: Iterator[Look | Exception] = iter(
        [ToolUnavailable("It is away."), await foresee(prometheus(NOW, RUNS_OUT["a volume"][0]), NOW, SETTINGS)]
    )
    ended = asyncio.Event()

    async def look() -> Look:
        one = next(looks)
        if isinstance(one, Exception):
            raise one
        return one

    async def tell(text: str, _: Mapping[str, str]) -> None:
        heard.append(text)
        ended.set()

    task = asyncio.create_task(announce_forever(look, MemoryLedger(), tell, seconds=0))
    async with asyncio.timeout(10):
        await ended.wait()
    task.cancel()
    assert heard[0].startswith("Volume of PersistentVolumeClaim shop/data is 70% used and runs out in 15 h")


async def test_two_who_look_at_once_ask_once() -> None:
    tools = prometheus(NOW, {})
    foresight = Foresight(tools, SETTINGS)
    one, other = await asyncio.gather(foresight.look(NOW), foresight.look(NOW + timedelta(seconds=1)))
    assert one is other
    assert len(tools.calls) == len(SUPPLIES) + 2


def test_one_query_for_each_supply() -> None:
    tools = prometheus(NOW, {})
    asyncio.run(foresee(tools, NOW, SETTINGS))
    assert len(tools.calls) == len(SUPPLIES) + 2
