"""postgres_exporter and redis_exporter beside each database and cache of the topology."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from autodevops.sandbox.world.metric_families.cadvisor import handled
from autodevops.sandbox.world.metric_families.exporter import Family, Rows, Scrape, Scraped, one, quantity
from autodevops.sandbox.world.workloads import Pod
from autodevops.sandbox.world.world import World

_PORTS = {"postgresql": 9187, "redis": 9121}
_JOBS = {"postgresql": "postgres-exporter", "redis": "redis-exporter"}
_CONNECTIONS = 100.0
_ROLLED_BACK = 0.0008  # share of transactions
_HITS = 0.94  # share of lookups the cache answers

_HELP = (
    ("pg_up", "gauge", "Whether the last scrape of metrics from PostgreSQL was able to connect to the server."),
    ("pg_settings_max_connections", "gauge", "Sets the maximum number of concurrent connections."),
    ("pg_stat_activity_count", "gauge", "number of connections in this state"),
    ("pg_stat_database_xact_commit", "counter", "Number of transactions in this database that have been committed"),
    ("pg_stat_database_xact_rollback", "counter", "Number of transactions in this database that have been rolled back"),
    ("redis_up", "gauge", "Information about the Redis instance"),
    ("redis_connected_clients", "gauge", "connected_clients metric"),
    ("redis_commands_processed_total", "counter", "commands_processed_total metric"),
    ("redis_keyspace_hits_total", "counter", "keyspace_hits_total metric"),
    ("redis_keyspace_misses_total", "counter", "keyspace_misses_total metric"),
    ("redis_memory_used_bytes", "gauge", "memory_used_bytes metric"),
    ("redis_memory_max_bytes", "gauge", "memory_max_bytes metric"),
)


class Databases:
    families = tuple(Family(name, kind, text) for name, kind, text in _HELP)  # type: ignore[arg-type]

    def targets(self, world: World) -> Iterator[Scraped]:
        for pod in world.all_pods():
            protocol = world.topology.by_name[pod.service].protocol
            if protocol not in _PORTS:
                continue
            instance = f"{pod.ip}:{_PORTS[protocol]}"
            labels = {"namespace": pod.namespace, "pod": pod.name, "service": pod.service}
            yield Scraped(
                _JOBS[protocol],
                instance,
                f"http://{instance}/metrics",
                labels,
                pod.uid,
                pod.created_at,
                pod.deleted_at,
                pod.ready_at,
            )

    def collect(self, scrape: Scrape) -> Iterator[Rows]:
        world = scrape.world
        pod = next(pod for pod in world.all_pods() if pod.uid == scrape.target.subject)
        collect = _postgres if world.topology.by_name[pod.service].protocol == "postgresql" else _redis
        yield from (row for row in collect(scrape, pod) if scrape.wanted(row.name))


def _postgres(scrape: Scrape, pod: Pod) -> Iterator[Rows]:
    queries = handled(scrape, pod)
    database = {"datname": scrape.world.topology.name}
    load = scrape.readings.load()
    yield one("pg_up", scrape.constant(1.0))
    yield one("pg_settings_max_connections", scrape.constant(_CONNECTIONS))
    states = {"active": np.round(2.0 + 3.0 * load), "idle": np.round(18.0 + 6.0 * load)}
    yield Rows(
        "pg_stat_activity_count", [{**database, "state": state} for state in states], np.array([*states.values()])
    )
    yield one("pg_stat_database_xact_commit", np.floor(queries * (1 - _ROLLED_BACK)), **database)
    yield one("pg_stat_database_xact_rollback", np.floor(queries * _ROLLED_BACK), **database)


def _redis(scrape: Scrape, pod: Pod) -> Iterator[Rows]:
    commands = handled(scrape, pod)
    limit = quantity(scrape.world.topology.by_name[pod.service].resources.memory_limit)
    yield one("redis_up", scrape.constant(1.0))
    yield one("redis_connected_clients", np.round(8.0 + 4.0 * scrape.readings.load()))
    yield one("redis_commands_processed_total", commands)
    yield one("redis_keyspace_hits_total", np.floor(commands * _HITS))
    yield one("redis_keyspace_misses_total", np.floor(commands * (1 - _HITS)))
    yield one("redis_memory_used_bytes", np.floor(0.86 * scrape.readings.memory_bytes(pod)))
    yield one("redis_memory_max_bytes", scrape.constant(np.floor(0.9 * limit)))
