"""Parts that stand before, beneath or beside the stores: proxies, pools, etcd, machines, certificates."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

from loopback import Site, run, wait_for
from parts import Postgres


def nginx(site: Site, name: str, upstreams: list[int], connections: int = 256) -> int:
    home = site.place(name)
    port, status, exporter = site.port(name), site.port(f"{name}-status"), site.port(f"{name}-exporter")
    servers = "".join(f"server 127.0.0.1:{upstream} max_fails=0;" for upstream in upstreams)
    (home / "nginx.conf").write_text(f"""
daemon off; worker_processes 1; pid {home}/pid; error_log {home}/error.log;
events {{ worker_connections {connections}; }}
http {{ access_log off; client_body_temp_path {home}/b; proxy_temp_path {home}/p; fastcgi_temp_path {home}/f;
 uwsgi_temp_path {home}/u; scgi_temp_path {home}/s; keepalive_timeout 120; client_header_timeout 300;
 upstream app {{ {servers} }}
 server {{ listen 127.0.0.1:{port}; location / {{ proxy_pass http://app; proxy_connect_timeout 2s; }} }}
 server {{ listen 127.0.0.1:{status}; location /stub_status {{ stub_status; }} }} }}
""")
    site.start(name, "nginx", "-c", home / "nginx.conf", "-e", home / "error.log")
    wait_for(port)
    site.start(
        f"{name}-exporter", "prometheus-nginx-exporter", f"-nginx.scrape-uri=http://127.0.0.1:{status}/stub_status",
        f"-web.listen-address=127.0.0.1:{exporter}", environment={"GOMAXPROCS": 1},
    )  # fmt: skip
    site.scrape("nginx", exporter, f"{name}:9113")
    return port


def haproxy(site: Site, name: str, backends: dict[str, int]) -> int:
    home = site.place(name)
    port, metrics = site.port(name), site.port(f"{name}-metrics")
    servers = "\n".join(f" server {backend} 127.0.0.1:{to} check inter 2s" for backend, to in backends.items())
    (home / "haproxy.cfg").write_text(f"""
global
 maxconn 500
defaults
 mode http
 timeout connect 2s
 timeout client 20s
 timeout server 10s
frontend web
 bind 127.0.0.1:{port}
 default_backend app
backend app
{servers}
frontend stats
 bind 127.0.0.1:{metrics}
 http-request use-service prometheus-exporter if {{ path /metrics }}
""")
    site.start(name, "haproxy", "-db", "-f", home / "haproxy.cfg")
    wait_for(port)
    site.scrape("haproxy", metrics, f"{name}:8404")
    return port


def etcd(site: Site, names: list[str], quota_mb: int = 0) -> list[int]:
    ports = {name: (site.port(name), site.port(f"{name}-peer")) for name in names}
    cluster = ",".join(f"{name}=http://127.0.0.1:{peer}" for name, (_, peer) in ports.items())
    for name, (client, peer) in ports.items():
        site.start(
            name, "etcd", "--name", name, "--data-dir", site.folder / name,
            "--listen-client-urls", f"http://127.0.0.1:{client}", "--advertise-client-urls", f"http://127.0.0.1:{client}",
            "--listen-peer-urls", f"http://127.0.0.1:{peer}", "--initial-advertise-peer-urls", f"http://127.0.0.1:{peer}",
            "--initial-cluster", cluster, *(["--quota-backend-bytes", quota_mb * 2**20] if quota_mb else []),
            environment={"GOMAXPROCS": 1},
        )  # fmt: skip
        site.scrape("etcd", client, f"{name}:2379")
    for client, _ in ports.values():
        wait_for(client)
    return [client for client, _ in ports.values()]


def pgbouncer(site: Site, name: str, database: Postgres, size: int) -> int:
    home = site.place(name, "postgres")
    port, exporter = site.port(name), site.port(f"{name}-exporter")
    (home / "users.txt").write_text('"postgres" ""\n')
    (home / "pgbouncer.ini").write_text(f"""
[databases]
postgres = host=127.0.0.1 port={database.port} user=postgres
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
auth_file = {home}/users.txt
admin_users = postgres
stats_users = postgres
ignore_startup_parameters = extra_float_digits
pool_mode = transaction
default_pool_size = {size}
query_wait_timeout = 10
""")
    site.start(name, "/usr/sbin/pgbouncer", home / "pgbouncer.ini", user="postgres")
    wait_for(port)
    site.start(
        f"{name}-exporter", "prometheus-pgbouncer-exporter", "--host", "127.0.0.1", "--port", exporter,
        "--pgbouncer-host", "127.0.0.1", "--pgbouncer-port", port, "--pgbouncer-user", "postgres",
        "--licence-location", "/usr/share/doc/prometheus-pgbouncer-exporter/copyright",
    )  # fmt: skip
    site.scrape("pgbouncer", exporter, f"{name}:9127")
    return port


def node_exporter(site: Site, name: str, *collectors: str) -> None:
    """Only `collectors`: the processors of a machine that plays many worlds at once are no world's own."""
    port = site.port(f"{name}-node")
    site.start(
        f"{name}-node", "prometheus-node-exporter", f"--web.listen-address=127.0.0.1:{port}",
        "--collector.disable-defaults", *(f"--collector.{collector}" for collector in collectors),
        environment={"GOMAXPROCS": 1},
    )  # fmt: skip
    site.scrape("node", port, f"{name}:9100")


def volume(site: Site, name: str, megabytes: int) -> Path:
    """A file system of its own, which needs root and a loop device; ext4, as exporters' users leave tmpfs out."""
    path, image = site.place(name), site.folder / f"{name}.img"
    run("truncate", "-s", f"{megabytes}M", image)
    run("mkfs.ext4", "-q", "-m", "0", image)
    run("mount", "-o", "loop", image, path)
    site.mounts.append(path)
    shutil.rmtree(path / "lost+found", ignore_errors=True)
    return path


def certificate(site: Site, days: int) -> Callable[[int], None]:
    """nginx with TLS, asked by the blackbox exporter; gives a function that replaces the certificate."""
    home = site.place("tls")

    def make(valid: int) -> None:
        run(
            "openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=shop.example", "-days", valid,
            "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", home / "key.pem", "-out", home / "cert.pem",
        )  # fmt: skip
        if "tls" in site.processes:
            subprocess.run(["kill", "-HUP", str(site.processes["tls"].pid)], check=True)

    make(days)
    port, blackbox = site.port("tls"), site.port("blackbox")
    (home / "nginx.conf").write_text(f"""
daemon off; worker_processes 1; pid {home}/pid; error_log {home}/error.log; events {{ worker_connections 64; }}
http {{ access_log off; client_body_temp_path {home}/b; proxy_temp_path {home}/p; fastcgi_temp_path {home}/f;
 uwsgi_temp_path {home}/u; scgi_temp_path {home}/s;
 server {{ listen 127.0.0.1:{port} ssl; ssl_certificate {home}/cert.pem; ssl_certificate_key {home}/key.pem;
 location / {{ return 200 "ok"; }} }} }}
""")
    site.start("tls", "nginx", "-c", home / "nginx.conf", "-e", home / "error.log")
    (home / "blackbox.yml").write_text(
        "modules: {http_2xx: {prober: http, timeout: 4s, http: {tls_config: {insecure_skip_verify: true}}}}\n"
    )
    site.start(
        "blackbox", "prometheus-blackbox-exporter", f"--config.file={home}/blackbox.yml",
        f"--web.listen-address=127.0.0.1:{blackbox}", environment={"GOMAXPROCS": 1},
    )  # fmt: skip
    site.probe("blackbox", blackbox, f"https://127.0.0.1:{port}")
    shutil.copy(home / "cert.pem", home / "first.pem")
    return make
