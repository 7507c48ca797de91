"""A site of real programs on loopback: started in a temporary folder, on ports nobody else has, ended with it."""

from __future__ import annotations

import http.client
import os
import pwd
import random
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

APPS = Path(__file__).parent / "apps"
SCRAPE_SECONDS = 5

ALERTS = """
groups:
- name: site
  rules:
  - alert: TargetDown
    expr: up == 0
    for: 1m
    labels: {severity: critical}
  - alert: HighErrorRate
    expr: >
      sum by (job, instance) (rate(http_request_duration_seconds_count{status=~"5..|5xx"}[1m]))
      / sum by (job, instance) (rate(http_request_duration_seconds_count[1m])) > 0.05
    for: 1m
    labels: {severity: warning}
"""


@dataclass
class Tools:
    """Where the applications' interpreters are: see the README beside this file."""

    python: str
    node_modules: str
    go_shop: str
    templates: Path
    templates_lock: threading.Lock = field(default_factory=threading.Lock)


class Site:
    def __init__(self, name: str, folder: Path, tools: Tools) -> None:
        self.name, self.folder, self.tools = name, folder, tools
        folder.mkdir(parents=True)
        os.chmod(folder, 0o755)
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self.jobs: dict[str, dict[str, Any]] = {}
        self.mounts: list[Path] = []
        self.stopping = threading.Event()
        self.ends: list[Callable[[], object]] = []
        self.pool = ThreadPoolExecutor(64)
        self.requests: dict[str, float] = {}
        self.answers: dict[int, int] = {}
        self.ports: dict[str, int] = {}

    def port(self, name: str) -> int:
        while name not in self.ports:
            number = free_port()
            if number not in TAKEN:
                TAKEN.add(number)
                self.ports[name] = number
        return self.ports[name]

    def place(self, name: str, owner: str = "") -> Path:
        path = self.folder / name
        path.mkdir(exist_ok=True)
        if owner:
            own(path, owner)
        return path

    def start(
        self, name: str, *argv: object, user: str = "", environment: dict[str, object] | None = None
    ) -> subprocess.Popen[bytes]:
        who: dict[str, Any] = {}
        if user and os.geteuid() == 0:
            entry = pwd.getpwnam(user)
            who = {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}
        with (self.folder / f"{name}.log").open("ab") as log:
            process = subprocess.Popen(
                ["nice", *map(str, argv)],
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                cwd=self.folder,
                env={**os.environ, **{key: str(value) for key, value in (environment or {}).items()}},
                **who,
            )
        self.processes[name] = process
        return process

    def end(self, name: str, signal: int = 15) -> None:
        process = self.processes.pop(name)
        process.send_signal(signal)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(20)

    def scrape(self, job: str, port: int, instance: str, **more: Any) -> None:
        entry = self.jobs.setdefault(job, {"job_name": job, "static_configs": [], **more})
        entry["static_configs"].append({"targets": [f"127.0.0.1:{port}"], "labels": {"instance": instance}})

    def probe(self, job: str, blackbox: int, target: str) -> None:
        self.jobs[job] = {
            "job_name": job,
            "metrics_path": "/probe",
            "params": {"module": ["http_2xx"]},
            "static_configs": [{"targets": [target]}],
            "relabel_configs": [
                {"source_labels": ["__address__"], "target_label": "__param_target"},
                {"source_labels": ["__param_target"], "target_label": "instance"},
                {"target_label": "__address__", "replacement": f"127.0.0.1:{blackbox}"},
            ],
        }

    def watch(self) -> None:
        """Start Prometheus and Alertmanager over what was said to be scraped."""
        alertmanager, prometheus = self.port("alertmanager"), self.port("prometheus")
        (self.folder / "alerts.yml").write_text(ALERTS)
        (self.folder / "alertmanager.yml").write_text("route: {receiver: all}\nreceivers: [{name: all}]\n")
        configuration = {
            "global": {"scrape_interval": f"{SCRAPE_SECONDS}s", "evaluation_interval": "10s"},
            "rule_files": ["alerts.yml"],
            "alerting": {"alertmanagers": [{"static_configs": [{"targets": [f"127.0.0.1:{alertmanager}"]}]}]},
            "scrape_configs": list(self.jobs.values()),
        }
        (self.folder / "prometheus.yml").write_text(yaml.safe_dump(configuration))
        self.start(
            "alertmanager", "prometheus-alertmanager", "--config.file=alertmanager.yml", "--storage.path=am",
            f"--web.listen-address=127.0.0.1:{alertmanager}", "--cluster.listen-address=", "--log.level=warn",
        )  # fmt: skip
        self.start(
            "prometheus", "prometheus", "--config.file=prometheus.yml", "--storage.tsdb.path=tsdb",
            f"--web.listen-address=127.0.0.1:{prometheus}", "--log.level=warn",
            environment={"GOMAXPROCS": 1},
        )  # fmt: skip

    def load(self, name: str, url: str, per_second: float, write_share: float = 0.25) -> None:
        """Ask `url` in the background, evenly, until the site ends; `requests[name]` is the rate and may be changed."""
        self.requests[name] = per_second
        host, path = url.removeprefix("http://").split("/", 1)

        def ask() -> None:
            method = "POST" if random.random() < write_share else "GET"
            connection = http.client.HTTPConnection(host, timeout=8)
            try:
                connection.request(method, "/" + path)
                status = connection.getresponse().status
            except OSError:
                status = 0
            finally:
                connection.close()
            self.answers[status] = self.answers.get(status, 0) + 1

        def run() -> None:
            while not self.stopping.wait(random.uniform(0.8, 1.2) / self.requests[name]):
                self.pool.submit(ask)

        threading.Thread(target=run, daemon=True).start()

    def repeat(self, act: Callable[[], object], seconds: float) -> None:
        """Do `act` every `seconds` in a thread until the site ends."""

        def run() -> None:
            while not self.stopping.wait(seconds):
                try:
                    act()
                except Exception as error:  # noqa: BLE001  a fault may fail, and is tried again
                    with (self.folder / "repeat.log").open("a") as log:
                        print(error, file=log)

        threading.Thread(target=run, daemon=True).start()

    def stop(self) -> None:
        self.stopping.set()
        for end in self.ends:
            end()
        for process in self.processes.values():
            process.send_signal(
                2 if Path(process.args[1]).name == "postgres" else 15
            )  # 2: it does not wait for clients
        for process in self.processes.values():
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
        for mount in self.mounts:
            subprocess.run(["umount", "-l", mount], check=False)
        self.pool.shutdown(wait=False, cancel_futures=True)


TAKEN: set[int] = set()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def own(path: Path, owner: str) -> None:
    if os.geteuid() == 0:
        shutil.chown(path, owner, owner)


def run(*argv: object, user: str = "", check: bool = True, timeout: float = 120, **environment: object) -> str:
    who: dict[str, Any] = {"user": user, "group": user} if user and os.geteuid() == 0 else {}
    done = subprocess.run(
        [*map(str, argv)], check=False, capture_output=True, text=True, timeout=timeout, cwd="/",
        env={**os.environ, **{key: str(value) for key, value in environment.items()}}, **who,
    )  # fmt: skip
    if check and done.returncode:
        raise RuntimeError(f"{' '.join(map(str, argv))}: {done.stderr[-800:]}")
    return done.stdout


def wait_for(port: int, seconds: float = 400) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            probe.settimeout(1)
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.2)
    raise RuntimeError(f"nothing listens on {port}")
