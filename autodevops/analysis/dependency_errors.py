"""What a database, cache or broker refuses in its own words: as its log has it, and as its clients pass it on.

Sentences and codes are those of PostgreSQL (errcodes.txt), MySQL (server error reference), Redis, MongoDB and RabbitMQ,
and of a cloud about its databases those of Amazon RDS's list of events.
Only those that speak of the server's state: that a statement is wrong, or a row a duplicate, is its caller's affair.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final, Literal, TypeAlias

Refusal: TypeAlias = Literal[
    "no connections", "read only", "disk full", "not ready", "failover", "throttled",
    "disk low", "lag", "restart", "memory low",
]  # fmt: skip

_SENTENCES: Final[tuple[tuple[Refusal, str, str], ...]] = (
    # refusal, system (empty: any), pattern
    ("no connections", "postgresql", r"sorry, too many clients already|remaining connection slots are reserved"),
    ("no connections", "postgresql", r"too many connections for (?:role|database)|\b53300\b"),
    ("no connections", "mysql", r"\b1040\b.{0,20}Too many connections|Too many connections|max_user_connections"),
    ("no connections", "redis", r"max number of clients reached"),
    ("read only", "postgresql", r"cannot execute \w+(?: \w+)* in a read-only transaction|\b25006\b"),
    ("read only", "mysql", r"--(?:super-)?read-only option so it cannot execute|Running in read-only mode"),
    ("read only", "redis", r"READONLY You can't write against a read.only (?:replica|slave)"),
    ("read only", "mongodb", r"NotWritablePrimary|not (?:primary|master) and slaveOk|\bnot master\b"),
    ("disk full", "", r"No space left on device|\bENOSPC\b|\b53100\b"),
    ("disk full", "mysql", r"The table '[^']*' is full|Disk is full writing|\b1114\b.{0,12}HY000"),
    ("disk full", "redis", r"MISCONF Redis is configured to save RDB snapshots"),
    ("disk full", "rds", r"allocated storage (?:has been|is) exhausted|storage-full threshold"),
    ("disk low", "rds", r"free storage capacity .{0,120} is low|storage autoscaling is unable to scale"),
    ("memory low", "rds", r"critically low on memory"),
    ("lag", "", r"replication lag\b.{0,20}\b(?:exceed|above|is high|increas|grow)"),
    ("lag", "", r"\b(?:has|have) (?:fallen|been lagging) behind"),
    ("lag", "", r"replica\b.{0,60}\b(?:is|lags|falls|fell|falling) behind"),
    ("lag", "", r"replication (?:streaming )?has (?:been )?(?:stopped|terminated)"),
    (
        "restart",
        "rds",
        r"\bDB instance (?:restarted|shutdown|shut down|rebooted|has been (?:restarted|rebooted|shut down))",
    ),
    ("restart", "rds", r"^applying off-?line patches|recovery of the DB instance has started"),
    ("disk full", "rabbitmq", r"free_disk_space|disk resource limit alarm set"),
    (
        "not ready",
        "postgresql",
        r"the database system is (?:starting up|shutting down|in recovery mode|not yet)|57P0[123]",
    ),
    ("not ready", "redis", r"LOADING Redis is loading the dataset"),
    ("failover", "", r"\bfail(?:ing)?[- ]?over\b.{0,40}(?:started|complete|finish|initiat|promot|succe)"),
    ("failover", "", r"promoted (?:self )?to (?:leader|primary|master)|\bswitchover\b|selected new timeline ID"),
    ("throttled", "http", r"\b429\b|too many requests|rate.?limit(?:ed|ing)?(?: exceeded| reached)?|throttl"),
)
_COMPILED: Final = tuple((kind, system, re.compile(pattern, re.IGNORECASE)) for kind, system, pattern in _SENTENCES)

NOTICES: Final = (
    "failover|failing over|fail-over|switchover|promoted|selected new timeline|storage capacity|allocated storage"
    "|storage-full|storage autoscaling|replication lag|is behind|(fallen|falling|falls|fell|lags|lagging) behind"
    "|replication( streaming)? has|read-only|still waiting for|too many connections|low on memory"
    "|DB instance (restarted|shut ?down|rebooted|has been)|off-?line patches|recovery of the DB instance"
)
"""What of it servers write without calling it an error; for a search that does not mind case."""

_SPEAKS: Final = {"rds": ("postgresql", "mysql", "rds"), "elasticache": ("redis",)}
"""A managed database speaks the language of its engine."""


@lru_cache(maxsize=4096)  # the same lines are read by several rules
def refusals(text: str) -> tuple[tuple[Refusal, str], ...]:
    """Each refusal that `text` speaks of, with the system whose words they are (empty: anybody's)."""
    return tuple((kind, system) for kind, system, pattern in _COMPILED if pattern.search(text))


def is_managed(system: str) -> bool:
    """Whether a cloud writes about it, a line an event."""
    return system in _SPEAKS


def speaks(system: str, words_of: str) -> bool:
    """Whether words of `words_of` can be those of a server of kind `system`."""
    return not words_of or words_of in _SPEAKS.get(system, (system,))
