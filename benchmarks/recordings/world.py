"""The loopback world that recorded programs run in: addresses, names, certificates and servers, each started when first needed."""

# ruff: noqa: E501 (commands read better in one line)
from __future__ import annotations

import os
import socket
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path

NAMES = {  # in /etc/hosts; every other name does not exist
    "orders-db": "10.96.0.10",
    "orders-db-full": "10.96.0.11",
    "orders-db-replica": "10.96.0.12",
    "orders-db-starting": "10.96.0.13",
    "secure-db": "10.96.0.14",
    "orders-db-down": "10.96.0.15",
    "orders-db-small": "10.96.0.16",
    "cart-db": "10.96.0.20",
    "cart-db-full": "10.96.0.21",
    "cart-db-down": "10.96.0.22",
    "cache": "10.96.0.30",
    "cache-replica": "10.96.0.31",
    "cache-full": "10.96.0.32",
    "cache-busy": "10.96.0.33",
    "cache-down": "10.96.0.34",
    "cache-broken": "10.96.0.35",
    "rabbit": "10.96.0.40",
    "rabbit-down": "10.96.0.41",
    "pricing": "10.96.0.50",
    "pricing-down": "10.96.0.51",
    "silent": "10.96.0.60",  # takes connections and never says a word
    "far": "10.97.0.5",  # behind a link that loses all packets
    "memcached": "10.96.0.70",
    "etcd": "10.96.0.71",
    "zookeeper": "10.96.0.72",
    "mosquitto": "10.96.0.73",
    "kafka": "10.96.0.74",  # nothing listens
    "mongo": "10.96.0.75",
    "search": "10.96.0.76",
    "bouncer": "10.96.0.77",
}
DATA = Path("/srv/recordings")
PG = "/usr/lib/postgresql/15/bin"
_started: set[str] = set()
_broken: dict[str, RuntimeError] = {}


def sh(command: str, user: str | None = None, check: bool = True) -> str:
    wrapped = (
        ["setpriv", "--reuid", user, "--regid", user, "--clear-groups", "sh", "-c", command]
        if user
        else ["sh", "-c", command]
    )
    done = subprocess.run(
        wrapped,
        capture_output=True,
        text=True,
        cwd="/",
        env={"PATH": os.environ["PATH"], "HOME": "/tmp", "LANG": "C.UTF-8"},
    )
    if check and done.returncode:
        raise RuntimeError(f"{command}: {done.stdout[-1500:]}{done.stderr[-1500:]}")
    return done.stdout


def listed(value: str | list[str] | None) -> list[str]:
    return [] if value is None else [value] if isinstance(value, str) else value


def spawn(command: str, user: str | None = None) -> subprocess.Popen[bytes]:
    wrapped = (
        ["setpriv", "--reuid", user, "--regid", user, "--clear-groups", "sh", "-c", command]
        if user
        else ["sh", "-c", command]
    )
    log = (DATA / "servers.log").open("ab")
    return subprocess.Popen(
        wrapped,
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        cwd="/",
        env={"PATH": os.environ["PATH"], "HOME": "/tmp", "LANG": "C.UTF-8"},
    )


def until(name: str, port: int, seconds: float = 20) -> None:
    end = time.time() + seconds
    while time.time() < end:
        try:
            socket.create_connection((NAMES[name], port), 1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise RuntimeError(
        f"{name}:{port} does not listen after {seconds:g} s: "
        + (DATA / "servers.log").read_text(errors="replace")[-1500:]
    )


def enter(venv: Path, node: Path, java: Path) -> None:
    sh("mount --make-rprivate /; hostname shop-7d9c5b6f4-x2x9k; ip link set lo up")
    for address in sorted(set(NAMES.values()) - {"10.97.0.5"}):
        sh(f"ip addr add {address}/32 dev lo")
    sh(
        "ip link add left type veth peer name right; ip addr add 10.97.0.1/24 dev left; ip link set left up; ip link set right up"
    )
    sh("ip neigh add 10.97.0.5 lladdr 02:00:00:00:00:05 dev left")
    sh(f"mkdir -p {DATA} && mount -t tmpfs -o mode=755 none {DATA}")
    hosts = "127.0.0.1 localhost\n" + "".join(f"{address} {name}\n" for name, address in NAMES.items())
    (DATA / "hosts").write_text(hosts)
    (DATA / "resolv.conf").write_text("nameserver 10.96.0.10\n")
    sh(f"mount --bind {DATA}/hosts /etc/hosts; mount --bind {DATA}/resolv.conf /etc/resolv.conf")
    sh("mkdir -p /opt/venv /app")
    sh(f"mount --bind {venv} /opt/venv; mount -t tmpfs none /app; mkdir /app/node_modules /app/lib; chmod 755 /app")
    sh(f"mount --bind {node} /app/node_modules; mount --bind {java} /app/lib; chown 10001:10001 /app")
    sh("mount -t tmpfs -o mode=1777 none /tmp; mkdir -p /tmp/go-build; chmod 777 /tmp/go-build")
    sh(f"mkdir -p {venv} && mount --bind /opt/venv {venv}")  # programs that pip made name the folder they were made in
    sh(
        "mkdir -p /mnt/full && mount -t tmpfs -o size=64k,mode=777 none /mnt/full; mount -t tmpfs none /run; mkdir -p /run/sshd; chmod 777 /run"
    )
    threading.Thread(target=_no_such_name, daemon=True).start()
    threading.Thread(target=_silent, daemon=True).start()


def clean(folder: Path, keep: bool) -> None:
    """`keep`: what was built for the case before is built for the next one too."""
    everything = f"find {folder} -mindepth 1 -maxdepth 1 ! -name node_modules ! -name lib -exec rm -rf {{}} +; "
    sh(("" if keep else everything) + "rm -rf /mnt/full/*")


def need(name: str) -> None:
    if name not in _started:
        _started.add(name)
        try:
            STARTERS[name]()
        except RuntimeError as wrong:
            _broken[name] = wrong
    if name in _broken:
        raise _broken[name]


def _no_such_name() -> None:
    """A name server that knows no name: NXDOMAIN to every question, as a cluster's DNS says of a Service that is not there."""
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind(("10.96.0.10", 53))
    while True:
        question, peer = server.recvfrom(2048)
        end = 12
        while question[end]:
            end += question[end] + 1
        server.sendto(question[:2] + b"\x81\x83" + b"\x00\x01" + b"\x00" * 6 + question[12 : end + 5], peer)


def _silent() -> None:
    for port in (80, 443, 2181, 2379, 3306, 5432, 5672, 6379, 9092, 9200, 11211, 27017):
        server = socket.socket()
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        server.bind((NAMES["silent"], port))
        server.listen(64)  # the kernel takes connections; nobody reads them
        _silent_sockets.append(server)


_silent_sockets: list[socket.socket] = []


def _pg_init(where: str, more: str = "", hba: str = "host all all all scram-sha-256") -> None:
    sh(f"install -d -o postgres {DATA}/pg")
    sh(f"{PG}/initdb -D {DATA}/pg/{where} -A trust -U postgres -E UTF8 --locale=C.UTF-8", "postgres")
    conf = f"listen_addresses='{NAMES[where]}'\nunix_socket_directories='{DATA}/pg/{where}'\nfsync=off\nshared_buffers=16MB\n{more}\n"
    with (DATA / "pg" / where / "postgresql.conf").open("a") as file:
        file.write(conf)
    (DATA / "pg" / where / "pg_hba.conf").write_text(f"local all all trust\n{hba}\n")


def _pg_start(where: str) -> None:
    spawn(f"exec {PG}/postgres -D {DATA}/pg/{where}", "postgres")
    until(where, 5432)


def psql(where: str, sql: str, db: str = "postgres") -> str:
    end = time.time() + 30
    while True:
        try:
            return sh(f"psql -v ON_ERROR_STOP=1 -h {DATA}/pg/{where} -U postgres -d {db} <<'E'\n{sql}\nE")
        except RuntimeError as wrong:
            if "starting up" not in str(wrong) or time.time() > end:
                raise
            time.sleep(0.2)


ROLES = """CREATE ROLE shop LOGIN PASSWORD 'hunter2'; CREATE ROLE report LOGIN PASSWORD 'hunter2';
CREATE ROLE few LOGIN PASSWORD 'hunter2' CONNECTION LIMIT 0; CREATE DATABASE shop OWNER shop;"""
TABLES = """SET ROLE shop; CREATE TABLE orders (id int PRIMARY KEY, total int); INSERT INTO orders VALUES (1, 10), (2, 20);
CREATE TABLE secrets (id int);"""


def postgres() -> None:
    hba = "host all outsider all reject\nhost shop,postgres,nosuchdb all 10.96.0.0/16 scram-sha-256"
    _pg_init(
        "orders-db",
        "max_connections=60\ndeadlock_timeout=100ms\nwal_level=replica",
        hba + "\nlocal replication all trust",
    )
    _pg_start("orders-db")
    psql("orders-db", ROLES)
    psql("orders-db", TABLES, "shop")


def postgres_full() -> None:
    _pg_init("orders-db-full", "max_connections=4\nsuperuser_reserved_connections=1\nmax_wal_senders=0")
    _pg_start("orders-db-full")
    psql("orders-db-full", ROLES)
    for _ in range(3):
        spawn(f"(echo 'SELECT 1;'; sleep 100000) | psql -h {DATA}/pg/orders-db-full -U postgres shop")
    time.sleep(1.5)


def postgres_replica() -> None:
    need("postgres")
    sh(
        f"{PG}/pg_basebackup -R -h {DATA}/pg/orders-db -U postgres -D {DATA}/pg/orders-db-replica -c fast && rm {DATA}/pg/orders-db-replica/.s*",
        "postgres",
    )
    with (DATA / "pg" / "orders-db-replica" / "postgresql.conf").open("a") as file:
        file.write(
            f"listen_addresses='{NAMES['orders-db-replica']}'\nunix_socket_directories='{DATA}/pg/orders-db-replica'\n"
        )
    _pg_start("orders-db-replica")
    time.sleep(1)


def postgres_starting() -> None:
    need("postgres")
    where = f"{DATA}/pg/orders-db-starting"
    sh(
        f"{PG}/pg_basebackup -h {DATA}/pg/orders-db -U postgres -D {where} -c fast -X none && rm {where}/.s*",
        "postgres",
    )
    with Path(where, "postgresql.conf").open("a") as file:
        file.write(
            f"listen_addresses='{NAMES['orders-db-starting']}'\nunix_socket_directories='{where}'\nrestore_command='sleep 600; false'\n"
        )
    sh(f"touch {where}/recovery.signal", "postgres")
    _pg_start("orders-db-starting")


def postgres_tls() -> None:
    need("certificates")
    _pg_init(
        "secure-db",
        f"ssl=on\nssl_cert_file='{DATA}/pg/s.crt'\nssl_key_file='{DATA}/pg/s.key'",
        "hostssl all all all scram-sha-256",
    )
    sh(
        f"cp {DATA}/tls/other.crt {DATA}/pg/s.crt; cp {DATA}/tls/other.key {DATA}/pg/s.key; chown postgres {DATA}/pg/s.*; chmod 600 {DATA}/pg/s.key"
    )
    _pg_start("secure-db")
    psql("secure-db", ROLES)


def postgres_small() -> None:
    sh(
        f"install -d -o postgres {DATA}/pg {DATA}/pg/orders-db-small && mount -t tmpfs -o size=72m,uid=$(id -u postgres),mode=700 none {DATA}/pg/orders-db-small"
    )
    _pg_init("orders-db-small", "max_wal_size=32MB\nmin_wal_size=32MB\nautovacuum=off")
    _pg_start("orders-db-small")
    psql("orders-db-small", ROLES)
    psql("orders-db-small", "SET ROLE shop; CREATE TABLE events (body text);", "shop")


def certificates() -> None:
    tls = DATA / "tls"
    sh(
        f"mkdir -p {tls} && cd {tls} && openssl req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.crt -subj '/CN=Shop Internal CA' -days 30"
    )
    for name, subject, days in (
        ("good", "pricing", 20),
        ("other", "billing.example.org", 20),
        ("expired", "pricing", 1),
    ):
        sh(f"cd {tls} && openssl req -newkey rsa:2048 -nodes -keyout {name}.key -out {name}.csr -subj /CN={subject}")
        Path(tls, f"{name}.ext").write_text(f"subjectAltName=DNS:{subject}\n")
        sh(
            f"cd {tls} && openssl x509 -req -in {name}.csr -CA ca.crt -CAkey ca.key -CAcreateserial -out {name}.crt -days {days} -extfile {name}.ext"
        )
    Path(tls, "index.txt").write_text("")  # an end in the past can only be set by `openssl ca`
    Path(tls, "ca.cnf").write_text(
        f"[ca]\ndefault_ca=d\n[d]\ndatabase={tls}/index.txt\nrand_serial=yes\nnew_certs_dir={tls}\ndefault_md=sha256\npolicy=p\n"
        f"certificate={tls}/ca.crt\nprivate_key={tls}/ca.key\n[p]\ncommonName=supplied\n"
    )
    sh(
        f"cd {tls} && openssl ca -batch -config ca.cnf -in expired.csr -out expired.crt -startdate 240101000000Z -enddate 240401000000Z -extfile expired.ext -notext"
    )
    sh(f"chmod -R a+rX {tls}; chmod 644 {tls}/*.key")


def mariadb() -> None:
    _maria("cart-db", "max_connections=60\ninnodb_lock_wait_timeout=1")
    _maria_sql(
        "cart-db",
        "CREATE DATABASE shop; CREATE USER shop IDENTIFIED BY 'hunter2'; GRANT ALL ON shop.* TO shop; CREATE USER report IDENTIFIED BY 'hunter2';",
    )
    _maria_sql(
        "cart-db",
        "CREATE USER few IDENTIFIED BY 'hunter2' WITH MAX_USER_CONNECTIONS 1; GRANT ALL ON shop.* TO few; USE shop; CREATE TABLE carts (id int PRIMARY KEY, total int); INSERT INTO carts VALUES (1,1),(2,2);",
    )


def mariadb_full() -> None:
    _maria("cart-db-full", "max_connections=10\nread_only=1")
    _maria_sql(
        "cart-db-full",
        "CREATE DATABASE shop; CREATE USER shop IDENTIFIED BY 'hunter2'; GRANT ALL ON shop.* TO shop; USE shop; CREATE TABLE carts (id int PRIMARY KEY, total int)",
    )
    for _ in range(10):
        spawn("(echo 'SELECT 1;'; sleep 100000) | mariadb -h 10.96.0.21 -u shop -phunter2 shop")
    time.sleep(2)


def _maria(where: str, more: str) -> None:
    folder = DATA / "maria" / where
    sh(f"install -d -o mysql {DATA}/maria {folder}")
    sh(
        f"mariadb-install-db --no-defaults --user=mysql --datadir={folder} --auth-root-authentication-method=normal --skip-test-db"
    )
    conf = DATA / "maria" / f"{where}.cnf"
    conf.write_text(
        f"[mariadbd]\ndatadir={folder}\nsocket={folder}/s\nbind-address={NAMES[where]}\npid-file={folder}/pid\nskip-name-resolve\n{more}\n"
    )
    spawn(f"exec mariadbd --defaults-file={conf}", "mysql")
    until(where, 3306)


def _maria_sql(where: str, sql: str) -> None:
    sh(f"mariadb -u root -S {DATA}/maria/{where}/s <<'E'\n{sql}\nE")


def _redis(where: str, more: str) -> None:
    sh(f"install -d -o redis {DATA}/redis {DATA}/redis/{where}")
    spawn(
        f"exec redis-server --bind {NAMES[where]} --port 6379 --dir {DATA}/redis/{where} --protected-mode no {more}",
        "redis",
    )
    until(where, 6379)


def redis() -> None:
    _redis("cache", "--requirepass hunter2")
    sh("redis-cli -h 10.96.0.30 -a hunter2 acl setuser reader on '>hunter2' '~*' +get")


def redis_replica() -> None:
    need("redis")
    _redis("cache-replica", "--replicaof 10.96.0.30 6379 --masterauth hunter2")
    time.sleep(1.5)


def redis_full() -> None:
    _redis("cache-full", "--maxmemory 1mb --maxmemory-policy noeviction")
    fill = "for i in range(1, 400): print('set', f'k{i}', 'x' * (20000 if i < 60 else 500 if i < 200 else 1))"
    sh(f'python3 -c "{fill}" | redis-cli -h {NAMES["cache-full"]}', check=False)


def redis_busy() -> None:
    _redis("cache-busy", "--maxclients 1")
    spawn("(sleep 100000) | redis-cli -h 10.96.0.33")
    spawn("python3 -c 'import socket,time; s=socket.create_connection((\"10.96.0.33\",6379)); time.sleep(1e6)'")
    time.sleep(0.5)


def redis_broken() -> None:
    """Its snapshot cannot be written: the folder went away."""
    _redis("cache-broken", "--save 1 1")
    sh(
        f"rm -rf {DATA}/redis/cache-broken; redis-cli -h 10.96.0.35 set a b; redis-cli -h 10.96.0.35 bgsave; sleep 1",
        check=False,
    )


def rabbitmq() -> None:
    home = DATA / "rabbit"
    sh(f"install -d -o rabbitmq {home}")
    Path(home, "rabbitmq.conf").write_text(f"listeners.tcp.1 = {NAMES['rabbit']}:5672\nloopback_users = none\n")
    Path(home, "plugins").write_text("[].")
    for file in home.iterdir():
        file.chmod(0o644)
    environment = f"HOME={home} RABBITMQ_NODENAME=rabbit@localhost RABBITMQ_CONFIG_FILE={home}/rabbitmq RABBITMQ_ENABLED_PLUGINS_FILE={home}/plugins RABBITMQ_MNESIA_BASE={home} RABBITMQ_LOG_BASE={home} ERL_EPMD_ADDRESS=127.0.0.1"
    spawn(f"{environment} exec /usr/lib/rabbitmq/bin/rabbitmq-server", "rabbitmq")
    until("rabbit", 5672, 120)
    time.sleep(2)


def nginx() -> None:
    need("certificates")
    conf = DATA / "nginx.conf"
    locations = "".join(
        f"location /{code} {{ return {code} '{body}'; }}\n"
        for code, body in (
            (401, '{"error":"invalid_token"}'),
            (403, '{"error":"forbidden"}'),
            (404, "not found"),
            (429, '{"error":"rate limit exceeded"}'),
            (500, "internal error"),
            (503, "upstream connect error"),
        )
    )
    secure = "".join(
        f"server {{ listen {NAMES['pricing']}:{port} ssl; ssl_certificate {DATA}/tls/{name}.crt; ssl_certificate_key {DATA}/tls/{name}.key; {locations} }}\n"
        for port, name in ((443, "good"), (8443, "expired"), (9443, "other"))
    )
    conf.write_text(
        f"daemon off; pid {DATA}/nginx.pid; error_log stderr; events {{}}\nhttp {{ access_log off; server {{ listen {NAMES['pricing']}:80; {locations} }}\n{secure} }}\n"
    )
    spawn(f"exec nginx -c {conf}")
    until("pricing", 443)


def memcached() -> None:
    spawn(f"exec memcached -l {NAMES['memcached']} -u nobody -m 1")
    until("memcached", 11211)


def etcd() -> None:
    spawn(
        f"exec etcd --data-dir {DATA}/etcd --listen-client-urls http://{NAMES['etcd']}:2379 --advertise-client-urls http://etcd:2379"
    )
    until("etcd", 2379)


def mosquitto() -> None:
    folder = DATA / "mosquitto"
    folder.mkdir()
    sh(f"mosquitto_passwd -c -b {folder}/passwords shop hunter2; chmod 644 {folder}/passwords")
    Path(folder, "m.conf").write_text(f"listener 1883 {NAMES['mosquitto']}\npassword_file {folder}/passwords\n")
    spawn(f"exec mosquitto -c {folder}/m.conf")
    until("mosquitto", 1883)


def pgbouncer() -> None:
    need("postgres")
    conf = DATA / "bouncer.ini"
    conf.write_text(
        f"[databases]\nshop = host={NAMES['orders-db']} dbname=shop\ndown = host={NAMES['orders-db-down']} dbname=shop\n[pgbouncer]\nlisten_addr={NAMES['bouncer']}\nlisten_port=6432\n"
        f"auth_type=plain\nauth_file={DATA}/users.txt\nunix_socket_dir=\npool_mode=transaction\ndefault_pool_size=1\nquery_wait_timeout=2\nmax_client_conn=20\nserver_login_retry=1\n"
    )
    (DATA / "users.txt").write_text('"shop" "hunter2"\n')
    spawn(f"exec pgbouncer {conf}", "postgres")
    until("bouncer", 6432)


STARTERS: dict[str, Callable[[], None]] = {
    "postgres": postgres, "postgres_full": postgres_full, "postgres_replica": postgres_replica, "postgres_starting": postgres_starting,
    "postgres_tls": postgres_tls, "postgres_small": postgres_small, "certificates": certificates, "mariadb": mariadb, "mariadb_full": mariadb_full,
    "redis": redis, "redis_replica": redis_replica, "redis_full": redis_full, "redis_busy": redis_busy, "redis_broken": redis_broken,
    "rabbitmq": rabbitmq, "nginx": nginx, "memcached": memcached, "etcd": etcd, "mosquitto": mosquitto, "pgbouncer": pgbouncer,
}  # fmt: skip
