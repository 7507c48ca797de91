"""The worlds: a function each that starts the parts of a site and gives the fault, for when the baseline is over."""

from __future__ import annotations

import random
import socket
import urllib.request
from collections.abc import Callable

import parts
import proxies
from loopback import Site, run
from parts import MariaDB, Postgres, RabbitMQ, Redis

Fault = Callable[[], object]
WORLDS: dict[str, Callable[[Site], Fault]] = {}


def world(name: str) -> Callable[[Callable[[Site], Fault]], Callable[[Site], Fault]]:
    def keep(function: Callable[[Site], Fault]) -> Callable[[Site], Fault]:
        WORLDS[name] = function
        return function

    return keep


def tell(url: str, words: str) -> None:
    urllib.request.urlopen(url.replace("/orders", f"/_fault?{words}"), timeout=90).read()


# PostgreSQL


def postgres_shop(site: Site, **more: object) -> Postgres:
    database = Postgres(site, **more)  # type: ignore[arg-type]
    site.load("shop", parts.shop(site, "flask", "postgres", database.address), 4)
    return database


@world("pg-connections")
def _(site: Site) -> Fault:
    database = postgres_shop(site, connections=25)

    def fault() -> None:
        for number in range(26):
            database.session(f"report-{number}", "SELECT pg_sleep(3600);")

    return fault


@world("pg-lock")
def _(site: Site) -> Fault:
    database = postgres_shop(site)
    return lambda: database.session("holder", "BEGIN; LOCK TABLE orders IN EXCLUSIVE MODE; SELECT pg_sleep(3600);")


@world("pg-deadlocks")
def _(site: Site) -> Fault:
    database = postgres_shop(site)

    def transfer(first: int, second: int) -> None:
        database.sql(
            f"BEGIN; UPDATE orders SET total = 1 WHERE id = {first}; SELECT pg_sleep(0.4); "
            f"UPDATE orders SET total = 2 WHERE id = {second}; COMMIT;",
            check=False,
        )

    def fault() -> None:
        site.repeat(lambda: transfer(1, 2), 0.6)
        site.repeat(lambda: transfer(2, 1), 0.6)

    return fault


@world("pg-replica-lag")
def _(site: Site) -> Fault:
    database = postgres_shop(site)
    replica = database.replica("db-2")
    return lambda: replica.sql("SELECT pg_wal_replay_pause();")


@world("pg-down")
def _(site: Site) -> Fault:
    postgres_shop(site)
    return lambda: site.end("db-1", 2)


@world("pg-read-only")
def _(site: Site) -> Fault:
    database = postgres_shop(site)

    def fault() -> None:
        database.sql("ALTER SYSTEM SET default_transaction_read_only = on")
        database.sql("SELECT pg_reload_conf()")

    return fault


@world("pg-disk-full")
def _(site: Site) -> Fault:
    data = proxies.volume(site, "db-1", 500)
    database = postgres_shop(site, data=data)
    proxies.node_exporter(site, "db-1", "filesystem", "meminfo", "uname")

    def fault() -> None:
        database.sql("CREATE TABLE history (id int, note text)")
        site.repeat(
            lambda: database.sql("INSERT INTO history SELECT n, repeat('y', 1000) FROM generate_series(1, 20000) n"), 4
        )

    return fault


@world("pg-slow-statement")
def _(site: Site) -> Fault:
    database = postgres_shop(site)
    return lambda: database.sql(
        "CREATE OR REPLACE VIEW recent_orders AS SELECT id, total FROM orders, LATERAL (SELECT pg_sleep(1.2)) s"
        " WHERE s IS NOT NULL OR id > 0"
    )


@world("pgbouncer-pool")
def _(site: Site) -> Fault:
    database = Postgres(site)
    port = proxies.pgbouncer(site, "pool-1", database, 3)
    address = f"host=127.0.0.1 port={port} user=postgres dbname=postgres"
    url = parts.shop(site, "flask", "bouncer", address)
    site.load("shop", url, 4)
    return lambda: tell(url, "query=1.5")


# Redis


def redis_shop(site: Site, *arguments: object) -> Redis:
    cache = Redis(site, "cache-1", *arguments)
    run("redis-cli", "-p", cache.port, "debug", "populate", "5000", "cart", "2000", check=False)
    site.load("shop", parts.shop(site, "fastapi", "redis", cache.address), 5)
    return cache


def fill(cache: Redis) -> None:
    script = "for n = 1, 2000 do redis.call('SET', ARGV[1] .. n, string.rep('x', 2000)) end"
    cache.cli("EVAL", script, 0, f"session:{random.randrange(10**9)}:")


@world("redis-evictions")
def _(site: Site) -> Fault:
    cache = redis_shop(site, "--maxmemory", "40mb", "--maxmemory-policy", "allkeys-lru")
    return lambda: site.repeat(lambda: fill(cache), 3)


@world("redis-out-of-memory")
def _(site: Site) -> Fault:
    cache = redis_shop(site, "--maxmemory", "40mb")
    return lambda: site.repeat(lambda: fill(cache), 3)


@world("redis-clients")
def _(site: Site) -> Fault:
    cache = redis_shop(site, "--maxclients", 40)
    kept: list[socket.socket] = []

    def fault() -> None:
        site.repeat(lambda: kept.append(socket.create_connection(("127.0.0.1", cache.port), 2)), 0.2)

    return fault


@world("redis-replica")
def _(site: Site) -> Fault:
    cache = redis_shop(site)
    other = Redis(site, "cache-2", "--replicaof", "127.0.0.1", cache.port)
    return lambda: (
        other.cli("CONFIG", "SET", "masterauth", "wrong")
        + cache.cli("CONFIG", "SET", "requirepass", "")
        + other.cli("REPLICAOF", "127.0.0.1", site.port("nobody"))
    )


@world("redis-down")
def _(site: Site) -> Fault:
    redis_shop(site)
    return lambda: site.end("cache-1", 9)


@world("redis-slow")
def _(site: Site) -> Fault:
    cache = redis_shop(site)
    loop = "local n = 0 while n < 12000000 do n = n + 1 end return n"
    return lambda: site.repeat(lambda: cache.cli("EVAL", loop, 0), 0.5)


# MariaDB


def mysql_shop(site: Site, **more: object) -> MariaDB:
    database = MariaDB(site, **more)  # type: ignore[arg-type]
    site.load("shop", parts.shop(site, "flask", "mysql", database.address), 4)
    return database


@world("my-connections")
def _(site: Site) -> Fault:
    database = mysql_shop(site, connections=20)

    def fault() -> None:
        for number in range(21):
            database.session(f"report-{number}", "SELECT SLEEP(3600)")

    return fault


@world("my-lock")
def _(site: Site) -> Fault:
    database = mysql_shop(site)
    return lambda: database.session("holder", "BEGIN; UPDATE orders SET note = 'held'; SELECT SLEEP(3600);")


@world("my-slow")
def _(site: Site) -> Fault:
    database = mysql_shop(site)
    return lambda: database.root(
        "CREATE OR REPLACE VIEW recent_orders AS SELECT id, total FROM orders"
        " WHERE id >= 0 AND (SELECT SLEEP(1.2)) = 0",
        "shop",
    )


@world("my-replica")
def _(site: Site) -> Fault:
    other = mysql_shop(site).replica("mysql-2")
    return lambda: other.root("STOP SLAVE SQL_THREAD")


@world("my-down")
def _(site: Site) -> Fault:
    mysql_shop(site)
    return lambda: site.end("mysql-1", 9)


# RabbitMQ


def rabbit_shop(site: Site) -> RabbitMQ:
    broker = RabbitMQ(site)
    broker.worker("worker", "ack")
    site.load("shop", parts.shop(site, "otel-flask", "rabbit", broker.address), 3)
    return broker


@world("rabbit-backlog")
def _(site: Site) -> Fault:
    rabbit_shop(site)
    return lambda: site.end("worker")


@world("rabbit-unacked")
def _(site: Site) -> Fault:
    broker = rabbit_shop(site)

    def fault() -> None:
        site.end("worker")
        broker.worker("greedy", "greedy")

    return fault


@world("rabbit-memory")
def _(site: Site) -> Fault:
    broker = rabbit_shop(site)
    return lambda: broker.ctl("set_vm_memory_high_watermark", "absolute", "20MB")


@world("queue-catches-up")
def _(site: Site) -> Fault:
    broker = rabbit_shop(site)

    def fault() -> None:
        site.requests["shop"] = 9.0
        broker.worker("second", "ack")

    return fault


# Proxies


@world("nginx-upstream")
def _(site: Site) -> Fault:
    parts.shop(site, "fastapi", name="app-1")
    port = proxies.nginx(site, "web-1", [site.port("app-1")])
    site.load("shop", parts.shop(site, "flask", "http", f"http://127.0.0.1:{port}/orders"), 4)
    return lambda: site.end("app-1", 9)


@world("nginx-connections")
def _(site: Site) -> Fault:
    parts.shop(site, "fastapi", name="app-1")
    port = proxies.nginx(site, "web-1", [site.port("app-1")], connections=64)
    site.load("shop", parts.shop(site, "flask", "http", f"http://127.0.0.1:{port}/orders"), 4)
    kept: list[socket.socket] = []

    def slow() -> None:
        connection = socket.create_connection(("127.0.0.1", port), 2)
        connection.sendall(b"GET /orders HTTP/1.1\r\nHost: a\r\n")
        kept.append(connection)

    return lambda: site.repeat(slow, 0.15)


@world("haproxy-backend")
def _(site: Site) -> Fault:
    parts.shop(site, "fastapi", name="app-1")
    parts.shop(site, "fastapi", name="app-2")
    port = proxies.haproxy(site, "lb-1", {"app-1": site.port("app-1"), "app-2": site.port("app-2")})
    site.load("shop", parts.shop(site, "flask", "http", f"http://127.0.0.1:{port}/orders"), 4)

    def fault() -> None:
        site.end("app-1", 9)
        site.end("app-2", 9)

    return fault


# etcd


@world("etcd-no-space")
def _(site: Site) -> Fault:
    (port,) = proxies.etcd(site, ["etcd-1"], quota_mb=16)
    site.load("shop", parts.shop(site, "otel-fastapi", "etcd", f"http://127.0.0.1:{port}"), 4)
    number = iter(range(10**6))

    def put() -> None:
        run("etcdctl", f"--endpoints=127.0.0.1:{port}", "put", f"junk{next(number)}", "x" * 100_000, ETCDCTL_API=3)

    return lambda: site.repeat(put, 0.3)


@world("etcd-no-leader")
def _(site: Site) -> Fault:
    port, *_ = proxies.etcd(site, ["etcd-1", "etcd-2", "etcd-3"])
    site.load("shop", parts.shop(site, "otel-fastapi", "etcd", f"http://127.0.0.1:{port}"), 4)

    def fault() -> None:
        site.end("etcd-2", 9)
        site.end("etcd-3", 9)

    return fault


# Applications


@world("app-latency")
def _(site: Site) -> Fault:
    url = parts.shop(site, "fastapi")
    site.load("shop", url, 5)
    return lambda: tell(url, "latency=1.5")


@world("app-errors")
def _(site: Site) -> Fault:
    url = parts.shop(site, "otel-flask")
    site.load("shop", url, 5)
    return lambda: tell(url, "errors=0.3")


@world("app-traffic")
def _(site: Site) -> Fault:
    url = parts.shop(site, "otel-fastapi", WORKERS=1, OTEL_SEMCONV_STABILITY_OPT_IN="http")
    tell(url, "latency=0.06")
    site.load("shop", url, 4)

    def fault() -> None:
        site.requests["shop"] = 32.0

    return fault


@world("app-descriptors")
def _(site: Site) -> Fault:
    import resource

    old = resource.getrlimit(resource.RLIMIT_NOFILE)
    url = parts.shop(site, "flask")
    resource.prlimit(_child(site, "shop-1"), resource.RLIMIT_NOFILE, (1024, old[1]))
    site.load("shop", url, 5)
    return lambda: tell(url, "descriptors=1")


def _child(site: Site, name: str) -> int:
    return site.processes[name].pid  # nice(1) execs its program: the same process


@world("node-memory-leak")
def _(site: Site) -> Fault:
    url = parts.node_shop(site, "prom-client")
    site.load("shop", url, 5)
    return lambda: tell(url, "leak=60")


@world("node-event-loop")
def _(site: Site) -> Fault:
    url = parts.node_shop(site, "prom-client")
    site.load("shop", url, 4)
    return lambda: tell(url, "block=0.24")


@world("go-goroutines")
def _(site: Site) -> Fault:
    url = parts.go_shop(site)
    site.load("shop", url, 5)
    return lambda: tell(url, "leak=20")


@world("certificate")
def _(site: Site) -> Fault:
    make = proxies.certificate(site, 300)
    return lambda: make(3)


# All is well


@world("busy-but-well")
def _(site: Site) -> Fault:
    postgres_shop(site)
    redis = Redis(site)
    site.load("cart", parts.shop(site, "otel-fastapi", "redis", redis.address, name="cart-1"), 4)
    port = proxies.nginx(site, "web-1", [site.port("shop-1")])
    proxies.node_exporter(site, "db-1", "filesystem", "meminfo", "uname")
    site.load("web", f"http://127.0.0.1:{port}/orders", 4)
    return lambda: None


@world("nightly-batch")
def _(site: Site) -> Fault:
    database = postgres_shop(site)
    database.sql("CREATE TABLE report (day int, total bigint)")
    batch = (
        "INSERT INTO report SELECT n % 30, sum(total) FROM orders, generate_series(1, 60) n GROUP BY 1; "
        "DELETE FROM report WHERE day > 20; "
        "SELECT count(*) FROM orders a JOIN orders b ON a.total <= b.total AND a.id < 300;"
    )
    return lambda: site.repeat(lambda: database.sql(batch), 2)


@world("many-connections")
def _(site: Site) -> Fault:
    database = postgres_shop(site, connections=60)
    cache = Redis(site, "cache-1", "--maxclients", 200)
    for number in range(30):
        database.session(f"pool-{number}", "SELECT 1;\n\\! sleep 3600\n")
    kept = [socket.create_connection(("127.0.0.1", cache.port), 2) for _ in range(100)]
    site.load("cart", parts.shop(site, "fastapi", "redis", cache.address, name="cart-1"), 4)
    return lambda: len(kept)
