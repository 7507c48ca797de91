"""What a verdict of `healthy` rests on, and why it cannot be given where that is not there.

That nothing abnormal was seen says something only if it was looked at: the workloads and pods of the namespace, and
its requests and their failures up to the window's end. Logs, traces, code and nodes help to explain trouble; health
does not rest on them. Where no metric counts requests, and nothing says that one should, `without_requests` stands in
for them, and the summary says so.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from datetime import timedelta

import numpy as np

from autodevops.domain.evidence import Evidence
from autodevops.investigation.gather.collect import code_of, is_not_found, system_of
from autodevops.investigation.gather.large import LARGE
from autodevops.investigation.inventory import WORKLOAD_KINDS
from autodevops.investigation.picture import Picture, System
from autodevops.investigation.rules.base import clock
from autodevops.investigation.without_requests import (
    anything_runs,
    jobs_done,
    logs_read,
    unknown_request_metrics,
    unsteady,
)
from autodevops.kernel.errors import ToolTimeout, ToolUnavailable

SYSTEM_NAMES: dict[System, str] = {
    "kubernetes": "Kubernetes",
    "prometheus": "Prometheus",
    "loki": "Loki",
    "tempo": "Tempo",
    "github": "GitHub",
}
_NEEDED: tuple[System, ...] = ("kubernetes", "prometheus")
_KINDS = {*WORKLOAD_KINDS, "Pod"}
_SPARE = {"prometheus.list_alerts", "prometheus.list_alert_groups"}  # the ALERTS series says the same
_SPARE_KINDS = {"Certificate", "ConfigMap", "LimitRange", "ResourceQuota", "Secret", "ServiceAccount"}
"""What explains some trouble, and many a reader may not list."""
_PASSING = {ToolTimeout.code, ToolUnavailable.code}
_LATEST = timedelta(minutes=5)  # how old the last sample may be: a scrape or two may be late, not more


@dataclass(frozen=True)
class Doubt:
    """`why` completes "..., but"; `next_step` is what to do about it."""

    why: str
    next_step: str


def doubt_of(picture: Picture, evidence: tuple[Evidence, ...], failed: frozenset[str]) -> Doubt | None:
    """Why nobody can say that all is well; None where it can be said. `failed` are ids of unanswered evidence."""
    namespace = picture.inventory.namespace
    thin = {kind for item in evidence if item.arguments.get("fields") and (kind := item.arguments.get("kind")) in LARGE}
    needed = [item for item in evidence if _is_needed(item, thin, namespace)]
    unanswered = [item for item in needed if item.id in failed or not item.ok]
    if picture.unreachable & (set(_NEEDED) if namespace else {"prometheus"}):
        return Doubt(f"{names(picture.unreachable)} could not be read", _DOCTOR)
    if any(is_not_found(item) for item in evidence if item.arguments.get("kind") == "Namespace"):
        return Doubt(
            f"the cluster has no namespace {namespace}",
            "See that the cluster and the telemetry are of the same place: `kubectl config current-context`.",
        )
    if unanswered:
        again = all(code_of(item) in _PASSING for item in unanswered)
        return Doubt(" and ".join(_counted(needed, unanswered)), _AGAIN if again else _DOCTOR)
    if cut := [item for item in needed if item.truncated and not item.tool.endswith("list_metrics")]:
        return Doubt(
            f"an answer of {names({system_of(item) for item in cut})} was cut: there is more than could be read",
            f"See which pods are not well: `kubectl get pods -n {namespace} --field-selector=status.phase!=Running`.",
        )
    return _requests_doubt(picture, evidence)


_DOCTOR = "`autodevops doctor` says what to fix; then ask again."
_AGAIN = (
    "Ask again; if it stays so, shorten the window, or raise AUTODEVOPS_INVESTIGATION__TOOL_TIMEOUT_SECONDS and the"
    " system's own TIMEOUT_SECONDS."
)


def gaps(picture: Picture, evidence: tuple[Evidence, ...], failed: frozenset[str]) -> str:
    """What could not be read, as sentences for the end of a summary; empty when all was answered."""
    asked = [item for item in evidence if system_of(item) not in picture.unreachable and not _is_spare(item)]
    partly = _counted(asked, [item for item in asked if item.id in failed])
    away = f"{names(picture.unreachable)} could not be read" if picture.unreachable else ""
    beside = "" if picture.inventory.namespace else "Kubernetes, logs and traces were not asked about it"
    return "".join(f" {part}." for part in (beside, away, *partly) if part)


def names(systems: Iterable[System]) -> str:
    found = set(systems)
    return join([name for system, name in SYSTEM_NAMES.items() if system in found])


def join(parts: list[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}" if parts else ""


def anything_seen(picture: Picture) -> bool:
    seen = (picture.inventory.workloads, picture.signals, picture.logs, picture.error_traces, picture.plain_traces)
    return any(seen)


def reservation(picture: Picture) -> str:
    """What a verdict of `healthy` has not seen, as a sentence; empty where requests were seen."""
    if picture.signals_of("request_rate"):
        return ""
    stands = [name for name, there in _STANDS if there(picture)]
    return f" Its requests were not seen, as there are no metrics of them: this rests on {join(stands)}."


_STANDS: tuple[tuple[str, Callable[[Picture], bool]], ...] = (
    ("the state of its workloads and their events", lambda picture: bool(picture.inventory.workloads)),
    ("the results of its jobs", jobs_done),
    ("the metrics of its databases, caches and queues", lambda picture: bool(picture.readings)),
    ("its logs", lambda picture: "loki" not in picture.unreachable),
    ("the alerts", lambda _picture: True),
)


def _requests_doubt(picture: Picture, evidence: tuple[Evidence, ...]) -> Doubt | None:
    namespace, window = picture.inventory.namespace, picture.span.window
    if not (picture.inventory.workloads or picture.signals or anything_runs(picture)):
        return Doubt(
            "there is nothing to judge: no workloads and no request metrics",
            f"Check the namespace's name, and what runs in it: `kubectl get all -n {namespace}`.",
        )
    look = f'See what Prometheus has: `count by (__name__) ({{namespace="{namespace}"}})`.'
    rates = picture.signals_of("request_rate")
    if not rates:
        return _without_requests(picture, evidence, look)
    last = max((float(s.times[np.isfinite(s.values)][-1]) for s in rates if np.isfinite(s.values).any()), default=None)
    if last is None or last < (window.end - _LATEST).timestamp():
        ended = type(window.end).fromtimestamp(last, window.end.tzinfo) if last is not None else window.start
        return Doubt(
            f"its request metrics end at {clock(ended)}",
            f'See what Prometheus still scrapes: `up{{namespace="{namespace}"}}`, and Targets in its web page.',
        )
    start = window.start.timestamp()
    if not any((s.values[s.times >= start] > 0).any() for s in rates):
        return Doubt("nobody sent it a request in that time", "Take a longer window, or send it a request and see.")
    if not any(np.isfinite(s.values[s.times >= start]).any() for s in picture.signals_of("error_ratio")):
        return Doubt("its metrics do not say which requests fail", look)
    return None


def _without_requests(picture: Picture, evidence: tuple[Evidence, ...], look: str) -> Doubt | None:
    namespace = picture.inventory.namespace
    if unknown_request_metrics(evidence):
        return Doubt(f"there are no request metrics of {namespace} by any name that is known", look)
    without = f"there are no request metrics of {namespace}"
    if not anything_runs(picture):
        return Doubt(f"{without}, and nothing is meant to run there", f"See `kubectl get all -n {namespace}`.")
    sign = unsteady(picture)
    if sign:
        return Doubt(f"{without}, and {sign}", f"See `kubectl get pods,events -n {namespace}`.")
    if picture.inventory.workloads and not logs_read(evidence) and not jobs_done(picture):
        return Doubt(f"{without}, and its logs were not read either", look)
    return None


def _is_needed(item: Evidence, thin: Collection[object], namespace: str) -> bool:
    """`thin` are the kinds of which some fields of all objects were read instead of all of some."""
    if item.tool == "kubernetes.list_resources":
        kind, parts = item.arguments.get("kind"), item.arguments.get("fields")
        whole = "label_selector" not in item.arguments and (parts or kind not in thin)
        return kind in _KINDS and bool(whole) and item.arguments.get("namespace") == namespace
    return system_of(item) == "prometheus" and item.tool not in _SPARE


def _is_spare(item: Evidence) -> bool:
    return item.tool in _SPARE or item.arguments.get("kind") in _SPARE_KINDS


def _counted(asked: Iterable[Evidence], unanswered: Iterable[Evidence]) -> list[str]:
    """`Prometheus left 3 of 14 questions unanswered`, for each system that did."""
    total, without = [system_of(item) for item in asked], [system_of(item) for item in unanswered]
    return [
        f"{SYSTEM_NAMES[system]} left {without.count(system)} of {total.count(system)} questions unanswered"
        for system in SYSTEM_NAMES
        if system in without
    ]
