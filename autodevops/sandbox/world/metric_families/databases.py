"""postgres_exporter, redis_exporter and RabbitMQ's own exporter beside each database, cache and queue."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from autodevops.sandbox.basics.quantities import parse_quantity
from autodevops.sandbox.world.metric_families.exporter import Family, Rows, Scrape, Scraped, listening, one, pod_of
from autodevops.sandbox.world.pods import Pod
from autodevops.sandbox.world.topology import Service
from autodevops.sandbox.world.world import World

_PORTS = {"postgresql": 9187, "redis": 9121, "amqp": 15692}
_JOBS = {"postgresql": "postgres-exporter", "redis": "redis-exporter", "amqp": "rabbitmq"}
_ROLLED_BACK = 0.0008  # share of transactions
_EVICTIONS = 0.2  # keys evicted per miss above the usual: what is missed has been pushed out

_HELP = (
    ("pg_up", "gauge", "Whether the last scrape of metrics from PostgreSQL was able to connect to the server."),
    ("pg_settings_max_connections", "gauge", "Sets the maximum number of concurrent connections."),
    ("pg_stat_activity_count", "gauge", "number of connections in this state"),
    ("pg_stat_database_xact_commit", "counter", "Number of transactions in this database that have been committed"),
    ("pg_stat_database_xact_rollback", "counter", "Number of transactions in this database that have been rolled back"),
    ("pg_settings_default_transaction_read_only", "gauge", "Server Parameter: default_transaction_read_only"),
    ("redis_up", "gauge", "Information about the Redis instance"),
    ("redis_connected_clients", "gauge", "connected_clients metric"),
    ("redis_commands_processed_total", "counter", "commands_processed_total metric"),
    ("redis_keyspace_hits_total", "counter", "keyspace_hits_total metric"),
    ("redis_keyspace_misses_total", "counter", "keyspace_misses_total metric"),
    ("redis_memory_used_bytes", "gauge", "memory_used_bytes metric"),
    ("redis_memory_max_bytes", "gauge", "memory_max_bytes metric"),
    ("redis_evicted_keys_total", "counter", "evicted_keys_total metric"),
    ("rabbitmq_queue_messages_ready", "gauge", "Messages ready to be delivered to consumers"),
    ("rabbitmq_queue_messages_unacked", "gauge", "Messages delivered to consumers but not yet acknowledged"),
    ("rabbitmq_queue_messages_published_total", "counter", "Total number of messages published to queues"),
    ("rabbitmq_queue_messages_delivered_total", "counter", "Total number of messages delivered to consumers"),
    ("rabbitmq_queue_consumers", "gauge", "Consumers on a queue"),
)


class Databases:
    families = tuple(Family(name, kind, text) for name, kind, text in _HELP)  # type: ignore[arg-type]

    def targets(self, world: World) -> Iterator[Scraped]:
        for pod, service in world.programs():
            if service.protocol not in _PORTS or not pod.ip:
                continue
            instance = f"{pod.ip}:{_PORTS[service.protocol]}"
            labels = {"namespace": pod.namespace, "pod": pod.name, "service": service.name}
            url = f"http://{instance}/metrics"
            yield Scraped(
                _JOBS[service.protocol], instance, url, labels, pod.uid, pod.created_at, pod.deleted_at,
                listening(world, pod),
            )  # fmt: skip

    def collect(self, scrape: Scrape) -> Iterator[Rows]:
        pod = pod_of(scrape.world, scrape.target.subject)
        service = scrape.world.topology.by_name[pod.service]
        collect, prefix = _TOLD[service.protocol]
        if any(scrape.wanted(name) for name, _, _ in _HELP if name.startswith(prefix)):
            yield from (row for row in collect(scrape, pod, service) if scrape.wanted(row.name))


def _postgres(scrape: Scrape, pod: Pod, service: Service) -> Iterator[Rows]:
    queries = scrape.readings.handled(pod)
    database = {"datname": service.routes[0].path}
    most = float(service.max_connections or 100)
    held = np.minimum(scrape.readings.connections(service.name), most)
    # Little's law: statements that run at a time, and the exporter's own. The way to it is no time of the server.
    at_work = scrape.readings.request_rate(service.name) * scrape.readings.latency_mean(service.name)
    active = np.round(np.minimum(at_work + 1.0, held))
    yield one("pg_up", scrape.constant(1.0))
    yield one("pg_settings_max_connections", scrape.constant(most))
    yield one("pg_settings_default_transaction_read_only", scrape.constant(0.0))
    states = {"active": active, "idle": np.floor(held - active)}
    yield Rows(
        "pg_stat_activity_count", [{**database, "state": state} for state in states], np.array([*states.values()])
    )
    yield one("pg_stat_database_xact_commit", np.floor(queries * (1 - _ROLLED_BACK)), **database)
    yield one("pg_stat_database_xact_rollback", np.floor(queries * _ROLLED_BACK), **database)


def _redis(scrape: Scrape, pod: Pod, service: Service) -> Iterator[Rows]:
    commands = scrape.readings.handled(pod)
    missed = scrape.readings.misses(pod, service.name)
    limit = _quantity(service.resources.memory_limit)
    yield one("redis_up", scrape.constant(1.0))
    yield one("redis_connected_clients", np.round(8.0 + 4.0 * scrape.readings.load()))
    yield one("redis_commands_processed_total", commands)
    yield one("redis_keyspace_hits_total", np.floor(np.maximum(commands - missed, 0.0)))
    yield one("redis_keyspace_misses_total", np.floor(missed))
    used = np.floor(0.86 * scrape.readings.memory_bytes(pod))
    yield one("redis_memory_used_bytes", used)
    yield one("redis_memory_max_bytes", scrape.constant(np.floor(0.9 * limit)))
    usual = scrape.readings.handled(pod) * (1.0 - service.hit_ratio)
    yield one("redis_evicted_keys_total", np.floor(_EVICTIONS * np.maximum(missed - usual, 0.0)))


def _rabbitmq(scrape: Scrape, pod: Pod, service: Service) -> Iterator[Rows]:
    for worker in scrape.world.topology.services:
        if worker.consumes is None or worker.consumes.queue != service.name:
            continue
        queue = {"queue": service.route(worker.consumes.publish).path, "vhost": "/"}
        waiting, published = scrape.readings.queue(worker.name)
        consumers = scrape.readings.workers(worker.name)
        unacked = np.minimum(waiting, consumers * worker.consumes.concurrency)
        yield one("rabbitmq_queue_messages_ready", waiting - unacked, **queue)
        yield one("rabbitmq_queue_messages_unacked", unacked, **queue)
        yield one("rabbitmq_queue_messages_published_total", published, **queue)
        yield one("rabbitmq_queue_messages_delivered_total", np.maximum(published - waiting, 0.0), **queue)
        yield one("rabbitmq_queue_consumers", consumers, **queue)


_TOLD = {"postgresql": (_postgres, "pg_"), "redis": (_redis, "redis_"), "amqp": (_rabbitmq, "rabbitmq_")}
"""What tells the metrics of a protocol, and what their names begin with."""


def _quantity(text: str) -> float:
    return float(parse_quantity(text)) if text else 0.0
