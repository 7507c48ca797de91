"""The metric families that tell how close a program is to what it may use, by convention.

Each entry is a convention from its own documentation: cAdvisor with kube-state-metrics, Micrometer (Spring Boot) for
HikariCP, JDBC, Tomcat, Jetty, executors and JVM; OpenTelemetry's database client, JVM and .NET instruments, old names
and new; the Prometheus client libraries of Go, Java, Node.js and Python. A family is asked for only where the index of
metric names has all of `needs`, and the query returns those that are over `from_ratio`, nobody else.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from autodevops.investigation.request_families import POD_LABELS

PressureKind: TypeAlias = Literal["memory", "cpu", "garbage", "connections", "threads", "files", "event loop"]

_WHO: Final = ", ".join((*POD_LABELS, "service_name", "job"))
POOL_LABELS: Final = ("pool", "db_client_connection_pool_name", "pool_name", "db_name", "name")
_REAL: Final = 'container!="",container!="POD"'


@dataclass(frozen=True)
class PressureFamily:
    """`query` has <s> for the selector's namespace matcher and <w> for the window of rates, and gives a ratio.

    `used`: that ratio of a pool whether or not anybody waits; empty for what is no pool.
    """

    kind: PressureKind
    name: str
    needs: tuple[str, ...]
    query: str
    from_ratio: float
    used: str = ""


def _pool(kind: PressureKind, name: str, used: str, most: str, waiting: str = "", by: str = "") -> PressureFamily:
    """A pool of which `used` are in use of `most`; where `waiting` is known, somebody must be waiting too."""
    labels = f"{_WHO}, {by}" if by else _WHO
    ratio = f"sum by ({labels}) ({used}) / sum by ({labels}) ({most} < 1e9)"  # more is no limit at all
    query = f"({ratio}) and (sum by ({labels}) ({waiting}) > 0)" if waiting else ratio
    parts = (part.split("{", 1)[0].rpartition("(")[2] for part in (used, most, waiting) if part)
    return PressureFamily(kind, name, tuple(parts), query, 0.95 if waiting else 0.9, ratio)


def _pauses(name: str, counter: str) -> PressureFamily:
    return PressureFamily("garbage", name, (counter,), f"sum by ({_WHO}) (rate({counter}{{<s>}}[<w>]))", 0.1)


def _delay(name: str, metric: str) -> PressureFamily:
    """Mean seconds that the event loop is late; a tenth is what users begin to notice."""
    return PressureFamily("event loop", name, (metric,), f"max by ({_WHO}) (avg_over_time({metric}{{<s>}}[<w>]))", 0.1)


PRESSURES: Final = (
    PressureFamily(
        "memory",
        "cAdvisor",
        ("container_memory_working_set_bytes",),
        f"max by (pod, container) (container_memory_working_set_bytes{{<s>,{_REAL}}})"
        ' / max by (pod, container) (kube_pod_container_resource_limits{<s>,resource="memory"})',
        0.9,  # from here on the kernel may kill at the next allocation
    ),
    PressureFamily(
        "cpu",
        "cAdvisor",
        ("container_cpu_usage_seconds_total", "kube_pod_container_resource_limits"),
        f"sum by (pod, container) (rate(container_cpu_usage_seconds_total{{<s>,{_REAL}}}[<w>]))"
        ' / max by (pod, container) (kube_pod_container_resource_limits{<s>,resource="cpu"})',
        0.9,
    ),
    _pauses("Micrometer", "jvm_gc_pause_seconds_sum"),
    _pauses("OpenTelemetry JVM", "jvm_gc_duration_seconds_sum"),
    _pauses("Prometheus Java client", "jvm_gc_collection_seconds_sum"),
    _pauses("Node.js client", "nodejs_gc_duration_seconds_sum"),
    _pauses("OpenTelemetry .NET", "dotnet_gc_pause_time_seconds_total"),
    PressureFamily(
        "garbage",
        "Go runtime",
        ("go_cpu_classes_gc_total_cpu_seconds_total", "go_cpu_classes_total_cpu_seconds_total"),
        f"sum by ({_WHO}) (rate(go_cpu_classes_gc_total_cpu_seconds_total{{<s>}}[<w>]))"
        f" / (sum by ({_WHO}) (rate(go_cpu_classes_total_cpu_seconds_total{{<s>}}[<w>]))"
        f" - sum by ({_WHO}) (rate(go_cpu_classes_idle_cpu_seconds_total{{<s>}}[<w>])))",
        0.3,  # the collector takes a quarter of the processors by design while it runs
    ),
    _pool(
        "connections", "HikariCP", "hikaricp_connections_active{<s>}", "hikaricp_connections_max{<s>}",
        "hikaricp_connections_pending{<s>}", "pool",
    ),
    _pool(
        "connections", "OpenTelemetry", 'db_client_connection_count{<s>,db_client_connection_state="used"}',
        "db_client_connection_max{<s>}", "db_client_connection_pending_requests{<s>}",
        "db_client_connection_pool_name",
    ),
    _pool(
        "connections", "OpenTelemetry (before 1.26)", 'db_client_connections_usage{<s>,state="used"}',
        "db_client_connections_max{<s>}", "db_client_connections_pending_requests{<s>}", "pool_name",
    ),
    _pool(
        "connections", "Go database/sql", "go_sql_in_use_connections{<s>}", "go_sql_max_open_connections{<s>}",
        "rate(go_sql_wait_count_total{<s>}[<w>])", "db_name",
    ),
    _pool("connections", "Micrometer JDBC", "jdbc_connections_active{<s>}", "jdbc_connections_max{<s>}", "", "name"),
    _pool(
        "threads", "Tomcat", "tomcat_threads_busy_threads{<s>}", "tomcat_threads_config_max_threads{<s>}", "", "name",
    ),
    _pool("threads", "Jetty", "jetty_threads_busy{<s>}", "jetty_threads_config_max{<s>}"),
    _pool(
        "threads", "executor", "executor_active_threads{<s>}", "executor_pool_max_threads{<s>}",
        "executor_queued_tasks{<s>}", "name",
    ),
    # A process without descriptors cannot count them (Python's client leaves the metric out), or be scraped.
    _pool(
        "files", "Prometheus client", "last_over_time(process_open_fds{<s>}[<w>])",
        "last_over_time(process_max_fds{<s>}[<w>])",
    ),
    _pool(
        "files", "Micrometer", "last_over_time(process_files_open_files{<s>}[<w>])",
        "last_over_time(process_files_max_files{<s>}[<w>])",
    ),
    _delay("Node.js client", "nodejs_eventloop_lag_mean_seconds"),
    _delay("OpenTelemetry Node.js", "nodejs_eventloop_delay_mean_seconds"),
)  # fmt: skip


def present(names: Collection[str]) -> list[PressureFamily]:
    """The families all of whose metrics are there; one for memory always, since its absence is worth knowing."""
    return [family for family in PRESSURES if family.kind == "memory" or all(need in names for need in family.needs)]
