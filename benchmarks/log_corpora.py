"""Log lines of sixteen kinds of systems with the statement that wrote each, made from seeds: what bench_logs measures.

log_corpora.yaml has the statements. One statement is one template, whatever its variables are: a list may have one
or nine members, a user may be a word. How often statements occur follows Zipf's law, as in real logs: most lines come
from few of them, and some occur once.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random

import yaml

_POOLS = {
    "users": "root admin alice bob carol dave www-data postgres deploy jenkins svc_batch mallory test guest oracle",
    "hosts": "gateway ares web01 db-primary node-12 ip-10-0-3-17 zeus build7 mail.example.org cache-a.prod.internal",
    "services": "cart checkout payments ledger search catalog-api auth inventory shipping frontend recommendations",
    "tables": "orders users sessions invoice_items audit_log payments accounts shop.stock",
    "files": "core.conf app.log users.db Makefile nginx.pid data.bin report.pdf settings.yaml",
    "folders": "/var/log /etc/app /usr/lib/x86_64 /data/hdfs/current /home/alice /opt/shop/bin /tmp",
    "classes": "com.shop.cart.CartService org.apache.hadoop.mapred.MapTask o.s.web.DispatcherServlet "
    "shop.Ledger$Entry org.hibernate.SessionImpl io.netty.channel.Channel",
    "methods": "GET GET GET POST PUT DELETE HEAD",
    "words": "order refund quick brown stock late parcel blue morning total customer invoice again",
    "states": "RUNNING PENDING FAILED SUCCEEDED KILLED NEW",
    "devices": "sda sdb1 eth0 nvme0n1 veth3a2f lo docker0 wlan0",
    "topics": "orders.v1 payments audit-events clicks __consumer_offsets shop.cart.updated",
}


def _hex(r: Random, length: int) -> str:
    return "".join(r.choice("0123456789abcdef") for _ in range(length))


def _ip(r: Random) -> str:
    return ".".join(str(r.randrange(1, 255)) for _ in range(4))


def _many(make: Callable[[Random], str], joint: str) -> Callable[[Random], str]:
    return lambda r: joint.join(make(r) for _ in range(r.choice((1, 1, 2, 3, 5, 9))))


def _word(pool: str, r: Random) -> str:
    return r.choice(_POOLS[pool].split())


def _pick(pool: str) -> Callable[[Random], str]:
    return lambda r: _word(pool, r)


def _block(r: Random) -> str:
    return f"blk_{r.choice(('', '-'))}{r.randrange(10**15, 10**19)}"


KINDS: dict[str, Callable[[Random], str]] = {
    "ip": _ip,
    "port": lambda r: str(r.randrange(1024, 65536)),
    "peer": lambda r: f"{_ip(r)}:{r.randrange(1024, 65536)}",
    "num": lambda r: str(r.randrange(10 ** r.randrange(1, 7))),
    "neg": lambda r: str(r.randrange(-500, 500)),
    "float": lambda r: f"{r.random() * 100:.{r.randrange(1, 5)}f}",
    "hex": lambda r: _hex(r, r.choice((8, 12, 16))),
    "addr": lambda r: "0x" + _hex(r, r.choice((4, 8, 16))),
    "sha": lambda r: _hex(r, 40),
    "uuid": lambda r: "-".join(_hex(r, n) for n in (8, 4, 4, 4, 12)),
    "blk": _block,
    "blks": _many(_block, " "),
    "ids": _many(lambda r: str(r.randrange(1, 9999)), ", "),
    "peers": _many(lambda r: f"{_ip(r)}:9092", ","),
    "path": lambda r: f"{_pick('folders')(r)}/{_pick('files')(r)}",
    "url": lambda r: (
        f"/{_pick('services')(r)}/{r.choice(('list', 'items', 'v1/find'))}"
        + r.choice(("", f"/{r.randrange(9999)}", "?page=2&sort=asc"))
    ),
    "link": lambda r: f"http://{_pick('hosts')(r)}:{r.randrange(80, 9999)}/{_pick('services')(r)}",
    "dur": lambda r: f"{r.randrange(1, 900)}{r.choice(('ms', 'ms', 's', 'µs'))}",
    "span": lambda r: f"{r.randrange(1, 900)} ms",
    "godur": lambda r: r.choice((f"{r.random() * 90:.3f}ms", f"{r.randrange(1, 5)}m{r.randrange(60)}s", "1.5s")),
    "size": lambda r: f"{r.random() * 900:.1f} {r.choice(('B', 'KB', 'MB', 'GB'))}",
    "kib": lambda r: f"{r.randrange(1, 99999)}kB",
    "pct": lambda r: f"{r.randrange(0, 101)}%",
    "user": _pick("users"),
    "host": _pick("hosts"),
    "svc": _pick("services"),
    "table": _pick("tables"),
    "class": _pick("classes"),
    "method": _pick("methods"),
    "state": _pick("states"),
    "dev": _pick("devices"),
    "topic": _pick("topics"),
    "file": _pick("files"),
    "bool": lambda r: r.choice(("true", "false")),
    "text": lambda r: " ".join(_word("words", r) for _ in range(r.randrange(1, 6))),
    "pod": lambda r: f"{_pick('services')(r)}-{_hex(r, 9)}-{r.choice('bcdfg')}{_hex(r, 4)}",
    "when": lambda r: (
        f"2026-03-{r.randrange(1, 29):02d}T{r.randrange(24):02d}:{r.randrange(60):02d}:07.{r.randrange(999)}Z"
    ),
    "clf": lambda r: f"{r.randrange(1, 29):02d}/Mar/2026:{r.randrange(24):02d}:{r.randrange(60):02d}:11 +0000",
    "status": lambda r: r.choice(("200", "200", "200", "304", "404", "500", "502")),
    "pid": lambda r: str(r.randrange(2, 32768)),
    "hms": lambda r: f"{r.randrange(24):02d}:{r.randrange(60):02d}",
    "mac": lambda r: ":".join(_hex(r, 2) for _ in range(6)),
    "rank": lambda r: f"R{r.randrange(78):02d}-M{r.randrange(2)}-N{r.choice('0123456789ABCDEF')}",
}


@dataclass(frozen=True)
class Corpus:
    """`header` precedes each statement in the whole line; published accuracies are of statements without it."""

    name: str
    header: str
    statements: tuple[str, ...]
    held_out: bool = False  # only its accuracy is looked at while the miner is written


@dataclass(frozen=True)
class Labelled:
    whole: str
    content: str
    statement: int


_VARIABLE = re.compile(r"\{(\w+)\}")
_OPTIONAL = re.compile(r"\[\[(.*?)\]\]")


def _write(pattern: str, r: Random) -> str:
    chosen = _OPTIONAL.sub(lambda m: m.group(1) if r.random() < 0.5 else "", pattern)
    return _VARIABLE.sub(lambda m: KINDS[m.group(1)](r), chosen)


def lines(corpus: Corpus, count: int, seed: int = 7) -> list[Labelled]:
    """`count` lines of one corpus, the same for the same seed."""
    r = Random(f"{corpus.name}/{seed}")
    order = list(range(len(corpus.statements)))
    r.shuffle(order)
    weights = [1.0 / (rank + 1) for rank in range(len(order))]
    found = []
    for statement in r.choices(order, weights, k=count):
        content = _write(corpus.statements[statement], r)
        found.append(Labelled(_write(corpus.header, r) + content, content, statement))
    return found


CORPORA = tuple(
    Corpus(found["name"], found["header"], tuple(found["statements"]), found.get("held_out", False))
    for found in yaml.safe_load((Path(__file__).parent / "log_corpora.yaml").read_text())
)
