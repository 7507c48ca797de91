"""The parts a site is made of: each starts one real server, its exporter, and says what Prometheus scrapes."""

from __future__ import annotations

import time
from pathlib import Path

from loopback import APPS, Site, own, run, wait_for

POSTGRES = max(Path("/usr/lib/postgresql").glob("*/bin"), default=Path("/usr/bin"))
SCHEMA = (
    "CREATE TABLE orders (id int PRIMARY KEY, total int, note varchar(100));"
    "CREATE VIEW recent_orders AS SELECT id, total FROM orders;"
)
ROWS = "INSERT INTO orders SELECT n, 0, repeat('x', 100) FROM generate_series(1, 2000) n;"


def shop(
    site: Site, flavour: str, backend: str = "", address: str = "", name: str = "shop-1", **environment: object
) -> str:
    """An application on Python; the address it answers at."""
    port, metrics = site.port(name), site.port(f"{name}-metrics")
    settings = {"PORT": port, "METRICS_PORT": metrics, "FLAVOUR": flavour, "BACKEND": backend, "ADDRESS": address}
    site.start(name, site.tools.python, APPS / "shop.py", environment={**settings, **environment})
    wait_for(port)
    site.scrape(name.rstrip("-0123456789"), metrics, f"{name}:8080")
    return f"http://127.0.0.1:{port}/orders"


def node_shop(site: Site, flavour: str) -> str:
    port, metrics = site.port("shop-1"), site.port("shop-1-metrics")
    settings = {"PORT": port, "METRICS_PORT": metrics, "FLAVOUR": flavour, "NODE_PATH": site.tools.node_modules}
    site.start("shop-1", "node", "--max-old-space-size=1500", APPS / "shop.js", environment=settings)
    wait_for(port)
    site.scrape("shop", metrics, "shop-1:8080")
    return f"http://127.0.0.1:{port}/orders"


def go_shop(site: Site) -> str:
    port, metrics = site.port("shop-1"), site.port("shop-1-metrics")
    site.start("shop-1", site.tools.go_shop, environment={"PORT": port, "METRICS_PORT": metrics})
    wait_for(port)
    site.scrape("shop", metrics, "shop-1:8080")
    return f"http://127.0.0.1:{port}/orders"


class Postgres:
    def __init__(self, site: Site, name: str = "db-1", data: Path | None = None, connections: int = 100) -> None:
        self.site, self.name, self.port = site, name, site.port(name)
        self.data = data or site.folder / name
        with site.tools.templates_lock:
            template = site.tools.templates / "postgres"
            if not template.exists():
                template.parent.mkdir(parents=True, exist_ok=True)
                template.mkdir()
                own(template, "postgres")
                run(POSTGRES / "initdb", "-D", template, "-U", "postgres", "-A", "trust", "-N", user="postgres")
        self._copy(template)
        (self.data / "postgresql.auto.conf").write_text(
            f"max_connections = {connections}\nshared_buffers = 16MB\nfsync = off\nlisten_addresses = '127.0.0.1'\n"
            "unix_socket_directories = ''\nwal_level = replica\nmax_wal_size = 64MB\ndeadlock_timeout = 200ms\n"
        )
        self.start()
        self.sql(SCHEMA + ROWS)
        self.exporter(f"{name}-exporter")

    def _copy(self, source: Path) -> None:
        run("cp", "-a", f"{source}/.", self.data) if self.data.exists() else run("cp", "-a", source, self.data)
        own(self.data, "postgres")
        self.data.chmod(0o700)

    def start(self) -> None:
        self.site.start(self.name, POSTGRES / "postgres", "-D", self.data, "-p", self.port, user="postgres")
        wait_for(self.port)

    def exporter(self, name: str) -> None:
        port = self.site.port(name)
        address = f"postgresql://postgres@127.0.0.1:{self.port}/postgres?sslmode=disable"
        self.site.start(
            name, "prometheus-postgres-exporter", f"--web.listen-address=127.0.0.1:{port}",
            environment={"DATA_SOURCE_NAME": address, "GOMAXPROCS": 1},
        )  # fmt: skip
        self.site.scrape("postgres", port, f"{self.name}:9187")

    @property
    def address(self) -> str:
        return f"host=127.0.0.1 port={self.port} user=postgres dbname=postgres"

    def sql(self, text: str, check: bool = True) -> str:
        for attempt in range(60):
            try:
                return run(POSTGRES / "psql", "-qAt", "-h", "127.0.0.1", "-p", self.port, "-U", "postgres", "-c", text)
            except RuntimeError as error:
                if "starting up" not in str(error) or attempt == 59:
                    if check:
                        raise
                    return str(error)
                time.sleep(0.5)
        return ""

    def session(self, name: str, text: str) -> None:
        """A session that does `text` (psql script) in the background and stays."""
        script = self.site.folder / f"{name}.sql"
        script.write_text(text)
        self.site.start(
            name, POSTGRES / "psql", "-h", "127.0.0.1", "-p", self.port, "-U", "postgres", "-f", script
        )  # fmt: skip

    def replica(self, name: str) -> Postgres:
        other = object.__new__(Postgres)
        other.site, other.name, other.port = self.site, name, self.site.port(name)
        other.data = self.site.place(name, "postgres")
        run(
            POSTGRES / "pg_basebackup", "-h", "127.0.0.1", "-p", self.port, "-U", "postgres", "-D", other.data, "-R",
            user="postgres",
        )  # fmt: skip
        other.data.chmod(0o700)
        other.start()
        other.exporter(f"{name}-exporter")
        return other


class Redis:
    def __init__(self, site: Site, name: str = "cache-1", *arguments: object) -> None:
        self.site, self.name, self.port = site, name, site.port(name)
        site.place(name)
        site.start(
            name, "redis-server", "--port", self.port, "--bind", "127.0.0.1", "--save", "", "--dir",
            site.folder / name, *arguments,
        )  # fmt: skip
        wait_for(self.port)
        exporter = site.port(f"{name}-exporter")
        site.start(
            f"{name}-exporter", "prometheus-redis-exporter", "-redis.addr", f"redis://127.0.0.1:{self.port}",
            "-web.listen-address", f"127.0.0.1:{exporter}", environment={"GOMAXPROCS": 1},
        )  # fmt: skip
        site.scrape("redis", exporter, f"{name}:9121")

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def cli(self, *words: object) -> str:
        return run("redis-cli", "-p", self.port, *words, check=False)


class MariaDB:
    def __init__(self, site: Site, name: str = "mysql-1", number: int = 1, connections: int = 100) -> None:
        self.site, self.name, self.port = site, name, site.port(name)
        data = site.folder / name
        with site.tools.templates_lock:
            template = site.tools.templates / "mariadb"
            if not template.exists():
                site.tools.templates.mkdir(parents=True, exist_ok=True)
                run(
                    "mariadb-install-db", "--no-defaults", f"--datadir={template}", "--user=mysql",
                    "--innodb-log-file-size=8M", "--skip-test-db",
                )  # fmt: skip
        run("cp", "-a", template, data)
        self.socket = site.folder / f"{name}.sock"
        self.argv = (
            "mariadbd", "--no-defaults", f"--datadir={data}", f"--port={self.port}", "--bind-address=127.0.0.1",
            f"--socket=/tmp/rx-{site.name}-{name}.sock", "--user=mysql", f"--server-id={number}",
            f"--log-bin={data}/bin", f"--max-connections={connections}", "--innodb-log-file-size=8M",
            "--innodb-buffer-pool-size=32M", "--innodb-flush-log-at-trx-commit=0", "--long-query-time=0.5",
            "--slow-query-log", "--innodb-lock-wait-timeout=5", "--skip-name-resolve",
        )  # fmt: skip
        self.socket = Path(f"/tmp/rx-{site.name}-{name}.sock")
        self.start()
        self.root(
            "SET sql_log_bin=0; CREATE DATABASE shop; "
            "CREATE USER root2@'127.0.0.1', app@'127.0.0.1' IDENTIFIED BY 'app'; "
            "GRANT ALL ON *.* TO root2@'127.0.0.1' WITH GRANT OPTION; GRANT ALL ON shop.* TO app@'127.0.0.1';"
        )
        self.root(SCHEMA + "INSERT INTO orders SELECT seq, 0, repeat('x', 100) FROM seq_1_to_2000;", "shop")
        exporter = site.port(f"{name}-exporter")
        site.start(
            f"{name}-exporter", "prometheus-mysqld-exporter", f"--web.listen-address=127.0.0.1:{exporter}",
            environment={"DATA_SOURCE_NAME": f"root2@(127.0.0.1:{self.port})/", "GOMAXPROCS": 1},
        )  # fmt: skip
        site.scrape("mysql", exporter, f"{name}:9104")

    def start(self) -> None:
        self.site.start(self.name, *self.argv)
        wait_for(self.port)

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def root(self, text: str, database: str = "") -> str:
        return run(
            "mariadb",
            "--no-defaults",
            "-N",
            f"--socket={self.socket}",
            "-u",
            "root",
            "-e",
            text,
            *filter(None, [database]),
        )

    def session(self, name: str, text: str) -> None:
        self.site.start(
            name, "mariadb", "--no-defaults", f"--socket={self.socket}", "-u", "root", "-f", "shop", "-e", text
        )

    def replica(self, name: str) -> MariaDB:
        other = MariaDB(self.site, name, 2)
        position = self.root("SHOW MASTER STATUS").split()
        other.root(
            f"CHANGE MASTER TO MASTER_HOST='127.0.0.1', MASTER_PORT={self.port}, MASTER_USER='root2', "
            f"MASTER_LOG_FILE='{position[0]}', MASTER_LOG_POS={position[1]}; START SLAVE;"
        )
        return other


class RabbitMQ:
    HOME = Path("/usr/lib/rabbitmq/bin")

    def __init__(self, site: Site, name: str = "rabbit-1") -> None:
        self.site, self.name, self.port = site, name, site.port(name)
        home = site.place(name)
        self.metrics = site.port(f"{name}-metrics")
        (home / "rabbitmq.conf").write_text(
            f"listeners.tcp.1 = 127.0.0.1:{self.port}\n"
            f"prometheus.tcp.ip = 127.0.0.1\nprometheus.tcp.port = {self.metrics}\n"
            "loopback_users = none\ndisk_free_limit.absolute = 50MB\ncollect_statistics_interval = 5000\n"
        )
        (home / "plugins").write_text("[rabbitmq_prometheus].\n")
        self.environment = {
            "HOME": home, "RABBITMQ_NODENAME": f"{name}-{site.name}@localhost", "RABBITMQ_MNESIA_BASE": home / "mnesia",
            "RABBITMQ_LOG_BASE": home, "RABBITMQ_ENABLED_PLUGINS_FILE": home / "plugins",
            "RABBITMQ_CONFIG_FILE": home / "rabbitmq.conf", "RABBITMQ_DIST_PORT": site.port(f"{name}-dist"),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "+S 1:1 +sbwt none", "ERL_EPMD_PORT": 43690,
            "RABBITMQ_CONF_ENV_FILE": "/dev/null", "ERL_EPMD_ADDRESS": "127.0.0.1",
        }  # fmt: skip
        site.start(name, self.HOME / "rabbitmq-server", environment=self.environment)
        wait_for(self.port)
        wait_for(self.metrics)
        site.scrape("rabbitmq", self.metrics, f"{name}:15692")

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def ctl(self, *words: object) -> str:
        return run(self.HOME / "rabbitmqctl", *words, check=False, **self.environment)

    def worker(self, name: str, mode: str) -> None:
        self.site.start(name, self.site.tools.python, APPS / "worker.py", self.port, mode)
