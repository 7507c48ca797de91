"""What exporters tell about databases, caches and queues, in the words of each exporter, under one set of measures.

Names are those of the exporters' own code and pages: postgres_exporter, mysqld_exporter, redis_exporter,
mongodb_exporter, kafka_exporter, RabbitMQ's prometheus plugin, the two CloudWatch exporters (YACE and
cloudwatch_exporter, which name a metric alike and an instance differently), OpenTelemetry's database client metrics and
Tempo's service graph. The last two speak of a database from its callers' side.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

How: TypeAlias = Literal["sum", "max", "rate"]
Measure: TypeAlias = Literal[
    "up",
    "connections", "connections_limit", "connections_refused",
    "sessions",  # at work now; of a managed database its load
    "statement_seconds",  # of execution a second, which is sessions on average
    "lock_waits", "table_locks", "deadlocks", "idle_in_transaction", "oldest_transaction_seconds",
    "transactions",  # a second
    "transaction_ids",  # that the oldest row not yet frozen is behind
    "log_bytes",  # of write-ahead log a second
    "longest_statement_seconds", "slow_statements",  # the latter a second
    "lag_seconds", "lag_bytes", "replicating", "is_replica", "read_only",
    "cpu_percent", "memory_free_bytes", "swap_bytes", "storage_free_bytes", "storage_bytes",
    "cpu_credits",  # of a class that may use more of its processor than it is given, as long as there are some
    "burst_percent",  # of a disk, what is left of the same for its operations or bytes
    "storage_free_ratio",  # of a volume
    "read_seconds", "write_seconds", "commit_seconds", "disk_queue",
    "memory_bytes", "memory_limit_bytes", "evictions", "hits", "misses", "writes_refused", "keys",
    "has_leader", "memory_alarm", "disk_alarm",
    "ready", "unacknowledged", "consumers", "published", "delivered", "oldest_message_seconds",
    "call_seconds", "calls", "calls_failed",  # a second, as callers see them
]  # fmt: skip


@dataclass(frozen=True)
class Metric:
    """`how` its series of one thing add up. `where` limits it; `factor` brings it into the measure's unit; `top` keeps
    only the largest at each moment, where there may be thousands. `less` is a metric of the same shape to take off."""

    name: str
    measure: Measure
    how: How = "sum"
    where: str = ""
    factor: float = 1.0
    top: int = 0
    less: str = ""


@dataclass(frozen=True)
class Exporter:
    """`identity` are the labels of which the first one present tells its objects apart; `details` what they consist of.

    `marks` is a regular expression of names by which it is noticed: one series an object, where there is such a metric.
    `callers` means that its series name a callee by `identity`, and nothing of themselves. `own`: the program serves
    them itself, so that it is gone when they are.
    """

    system: str
    marks: str
    identity: tuple[str, ...]
    details: tuple[str, ...]
    metrics: tuple[Metric, ...]
    callers: bool = False
    own: bool = False


SCRAPED: Final = ("instance",)
_AWS_DATABASE: Final = ("dimension_DBInstanceIdentifier", "dbinstance_identifier")
_AWS_CACHE: Final = ("dimension_CacheClusterId", "cache_cluster_id")
_AWS_QUEUE: Final = ("dimension_QueueName", "queue_name")

EXPORTERS: Final = (
    Exporter(
        "postgresql",
        "pg_up|pg_settings_max_connections",
        SCRAPED,
        ("queryid", "query"),
        (
            Metric("pg_up", "up", "max"),
            Metric("pg_stat_activity_count", "connections"),
            Metric("pg_settings_max_connections", "connections_limit", "max"),
            Metric("pg_stat_activity_count", "sessions", where='state="active"'),
            Metric("pg_stat_activity_count", "lock_waits", where='wait_event_type="Lock"'),
            Metric("pg_stat_activity_count", "idle_in_transaction", where='state=~"idle in transaction.*"'),
            Metric(
                "pg_stat_activity_max_tx_duration", "oldest_transaction_seconds", "max",
                'state=~"idle in transaction.*"',
            ),
            # Of tables; rows lock tables weakly. What is only taken for a moment does not stand in every scrape.
            Metric(
                "pg_locks_count", "table_locks", where='mode=~"exclusivelock|accessexclusivelock|sharerowexclusivelock"'
            ),
            # Before 0.12 pg_stat_activity_count does not say what sessions wait for.
            Metric("pg_stat_activity_max_tx_duration", "longest_statement_seconds", "max", 'state="active"'),
            Metric("pg_stat_database_deadlocks", "deadlocks", "rate"),
            Metric("pg_stat_database_xact_commit", "transactions", "rate"),
            Metric("pg_database_wraparound_age_datfrozenxid_seconds", "transaction_ids", "max"),  # no seconds
            Metric("pg_replication_lag_seconds", "lag_seconds", "max"),
            Metric("pg_replication_lag", "lag_seconds", "max"),  # before 0.12
            Metric("pg_stat_replication_pg_wal_lsn_diff", "lag_bytes", "max"),  # of the replica that is furthest behind
            Metric("pg_replication_is_replica", "is_replica", "max"),
            Metric("pg_settings_default_transaction_read_only", "read_only", "max"),
            Metric("pg_stat_statements_seconds_total", "statement_seconds", "rate", top=5),
        ),
    ),
    Exporter(
        "mysql",
        "mysql_up",
        SCRAPED,
        (),
        (
            Metric("mysql_up", "up", "max"),
            Metric("mysql_global_status_threads_connected", "connections", "max"),
            Metric("mysql_global_variables_max_connections", "connections_limit", "max"),
            Metric(
                "mysql_global_status_connection_errors_total", "connections_refused", "rate",
                'error="max_connections"',
            ),
            Metric("mysql_global_status_threads_running", "sessions", "max"),
            Metric("mysql_global_status_innodb_row_lock_current_waits", "lock_waits", "max"),
            Metric("mysql_global_status_queries", "transactions", "rate"),
            Metric("mysql_global_status_slow_queries", "slow_statements", "rate"),
            Metric("mysql_slave_status_seconds_behind_master", "lag_seconds", "max"),
            Metric("mysql_slave_status_slave_sql_running", "replicating", "max"),
            Metric("mysql_global_variables_read_only", "read_only", "max"),
        ),
    ),
    Exporter(
        "mongodb",
        "mongodb_up",
        SCRAPED,
        (),
        (
            Metric("mongodb_up", "up", "max"),
            Metric("mongodb_ss_connections", "connections", "max", 'conn_type="current"'),
            Metric("mongodb_ss_connections", "connections_limit", "max", 'conn_type=~"current|available"'),
        ),
    ),
    Exporter(
        "redis",
        "redis_up",
        SCRAPED,
        (),
        (
            Metric("redis_up", "up", "max"),
            Metric("redis_connected_clients", "connections", "max"),
            Metric("redis_config_maxclients", "connections_limit", "max"),
            Metric("redis_rejected_connections_total", "connections_refused", "rate"),
            Metric("redis_memory_used_bytes", "memory_bytes", "max"),
            Metric("redis_memory_max_bytes", "memory_limit_bytes", "max"),
            Metric("redis_evicted_keys_total", "evictions", "rate"),
            Metric("redis_db_keys", "keys"),
            Metric("redis_keyspace_hits_total", "hits", "rate"),
            Metric("redis_keyspace_misses_total", "misses", "rate"),
            Metric("redis_master_link_up", "replicating", "max"),
            Metric("redis_slowlog_last_id", "slow_statements", "rate"),
            Metric("redis_errors_total", "writes_refused", "rate", 'err="OOM"'),
        ),
    ),
    Exporter(
        "memcached",
        "memcached_up",
        SCRAPED,
        (),
        (
            Metric("memcached_up", "up", "max"),
            Metric("memcached_current_connections", "connections", "max"),
            Metric("memcached_max_connections", "connections_limit", "max"),
            Metric("memcached_current_bytes", "memory_bytes", "max"),
            Metric("memcached_limit_bytes", "memory_limit_bytes", "max"),
            Metric("memcached_items_evicted_total", "evictions", "rate"),
            Metric("memcached_commands_total", "hits", "rate", 'command="get",status="hit"'),
            Metric("memcached_commands_total", "misses", "rate", 'command="get",status="miss"'),
        ),
    ),
    Exporter(
        "rabbitmq",
        "rabbitmq_identity_info|rabbitmq_queue_messages_ready|rabbitmq_detailed_queue_messages_ready",
        SCRAPED,
        ("queue", "vhost"),
        (
            # Without a label `queue` a series is the sum over all queues: the plugin's default.
            Metric("rabbitmq_queue_messages_ready", "ready"),
            Metric("rabbitmq_detailed_queue_messages_ready", "ready"),
            Metric("rabbitmq_queue_consumers", "consumers"),
            Metric("rabbitmq_detailed_queue_consumers", "consumers"),
            Metric("rabbitmq_queue_messages_published_total", "published", "rate"),
            Metric("rabbitmq_queue_messages_delivered_total", "delivered", "rate", 'queue!=""'),
            Metric("rabbitmq_queue_messages_unacked", "unacknowledged"),
            Metric("rabbitmq_alarms_memory_used_watermark", "memory_alarm", "max"),
            Metric("rabbitmq_alarms_free_disk_space_watermark", "disk_alarm", "max"),
        ),
        own=True,
    ),
    Exporter(
        "nginx",
        "nginx_up",
        SCRAPED,
        (),
        (
            Metric("nginx_up", "up", "max"),
            Metric("nginx_connections_active", "connections", "max"),
            # What it accepted and could not handle: worker_connections were used up (stub_status).
            Metric("nginx_connections_accepted", "connections_refused", "rate", less="nginx_connections_handled"),
        ),
    ),
    Exporter(
        "haproxy",
        "haproxy_process_current_connections",
        SCRAPED,
        (),
        (
            Metric("haproxy_process_current_connections", "connections", "max"),
            Metric("haproxy_process_max_connections", "connections_limit", "max"),
        ),
        own=True,
    ),
    Exporter(
        "etcd",
        "etcd_server_has_leader",
        SCRAPED,
        (),
        (
            Metric("etcd_server_has_leader", "has_leader", "max"),
            Metric("etcd_server_quota_backend_bytes", "storage_bytes", "max"),
            Metric(
                "etcd_server_quota_backend_bytes", "storage_free_bytes", "max",
                less="etcd_mvcc_db_total_size_in_bytes",
            ),
        ),
        own=True,
    ),
    Exporter(
        "kafka",
        "kafka_brokers",
        SCRAPED,
        ("consumergroup", "topic"),
        (
            Metric("kafka_consumergroup_lag", "ready", where='partition!=""'),
            Metric("kafka_consumergroup_members", "consumers", "max"),
            Metric("kafka_topic_partition_current_offset", "published", "rate"),
            Metric("kafka_consumergroup_current_offset", "delivered", "rate"),
        ),
    ),
    Exporter(
        "rds",
        "aws_rds_(cpuutilization|database_connections|free_storage_space|replica_lag|write_iops)"
        "_(average|maximum|minimum)",
        _AWS_DATABASE,
        (),
        (
            # Of the statistics that can be exported the average first, then what people watch a metric by.
            Metric("aws_rds_database_connections_average", "connections", "max"),
            Metric("aws_rds_database_connections_maximum", "connections", "max"),
            Metric("aws_rds_cpuutilization_average", "cpu_percent", "max"),
            Metric("aws_rds_cpuutilization_maximum", "cpu_percent", "max"),
            Metric("aws_rds_cpucredit_balance_average", "cpu_credits", "max"),
            Metric("aws_rds_cpucredit_balance_minimum", "cpu_credits", "max"),
            Metric("aws_rds_dbload_average", "sessions", "max"),
            Metric("aws_rds_freeable_memory_average", "memory_free_bytes", "max"),
            Metric("aws_rds_freeable_memory_minimum", "memory_free_bytes", "max"),
            Metric("aws_rds_swap_usage_average", "swap_bytes", "max"),
            Metric("aws_rds_swap_usage_maximum", "swap_bytes", "max"),
            Metric("aws_rds_free_storage_space_average", "storage_free_bytes", "max"),
            Metric("aws_rds_free_storage_space_minimum", "storage_free_bytes", "max"),
            Metric("aws_rds_allocated_storage", "storage_bytes", "max"),
            Metric("aws_rds_replica_lag_average", "lag_seconds", "max"),
            Metric("aws_rds_replica_lag_maximum", "lag_seconds", "max"),
            Metric("aws_rds_transaction_logs_generation_average", "log_bytes", "max"),
            Metric("aws_rds_commit_throughput_average", "transactions", "max"),
            Metric("aws_rds_read_latency_average", "read_seconds", "max"),
            Metric("aws_rds_write_latency_average", "write_seconds", "max"),
            Metric("aws_rds_commit_latency_average", "commit_seconds", "max", factor=0.001),  # in milliseconds
            Metric("aws_rds_maximum_used_transaction_ids_average", "transaction_ids", "max"),
            Metric("aws_rds_maximum_used_transaction_ids_maximum", "transaction_ids", "max"),
            Metric("aws_rds_burst_balance_average", "burst_percent", "max"),
            Metric("aws_rds_ebsiobalance_percent_average", "burst_percent", "max"),
            Metric("aws_rds_disk_queue_depth_average", "disk_queue", "max"),
            Metric("aws_rds_deadlocks_average", "deadlocks", "max"),
        ),
    ),
    Exporter(
        "elasticache",
        "aws_elasticache_(cpuutilization|curr_connections|evictions|cache_misses)_(average|sum)",
        _AWS_CACHE,
        (),
        (
            Metric("aws_elasticache_curr_connections_average", "connections", "max"),
            Metric("aws_elasticache_evictions_sum", "evictions", "max", factor=1 / 60),
            Metric("aws_elasticache_cache_hits_sum", "hits", "max", factor=1 / 60),
            Metric("aws_elasticache_cache_misses_sum", "misses", "max", factor=1 / 60),
            Metric("aws_elasticache_engine_cpuutilization_average", "cpu_percent", "max"),
            Metric("aws_elasticache_replication_lag_average", "lag_seconds", "max"),
        ),
    ),
    Exporter(
        "sqs",
        "aws_sqs_approximate_number_of_messages_visible_(average|sum|maximum)",
        _AWS_QUEUE,
        (),
        (
            Metric("aws_sqs_approximate_number_of_messages_visible_average", "ready", "max"),
            Metric("aws_sqs_approximate_number_of_messages_visible_maximum", "ready", "max"),
            Metric("aws_sqs_approximate_age_of_oldest_message_maximum", "oldest_message_seconds", "max"),
            Metric("aws_sqs_number_of_messages_sent_sum", "published", "max", factor=1 / 60),
            Metric("aws_sqs_number_of_messages_deleted_sum", "delivered", "max", factor=1 / 60),
        ),
    ),
    Exporter(
        "callers",
        "db_client_operation_duration_seconds_count",
        ("server_address",),
        (),
        (
            Metric("db_client_operation_duration_seconds_sum", "call_seconds", "rate"),
            Metric("db_client_operation_duration_seconds_count", "calls", "rate"),
        ),
        callers=True,
    ),
    Exporter(
        "callers",
        "traces_service_graph_request_total",
        ("server",),
        ("client", "connection_type"),
        (
            Metric(
                "traces_service_graph_request_client_seconds_sum", "call_seconds", "rate",
                'connection_type=~"database|virtual_node"',
            ),
            Metric(
                "traces_service_graph_request_total", "calls", "rate", 'connection_type=~"database|virtual_node"',
            ),
            Metric(
                "traces_service_graph_request_failed_total", "calls_failed", "rate",
                'connection_type=~"database|virtual_node"',
            ),
        ),
        callers=True,
    ),
)  # fmt: skip

DATABASES: Final = frozenset({"postgresql", "mysql", "mongodb", "rds"})
CACHES: Final = frozenset({"redis", "memcached", "elasticache"})
QUEUES: Final = frozenset({"rabbitmq", "kafka", "sqs"})
MANY: Final = 100.0  # messages that wait: fewer are no backlog
