"""What is firing: as Prometheus' rules see it, or as Alertmanager does when Prometheus cannot be asked."""

from __future__ import annotations

from autodevops.domain.alert import Alert
from autodevops.domain.evidence import Evidence
from autodevops.domain.subject import Subject
from autodevops.domain.tool_results import AlertGroupList, AlertList
from autodevops.jamie.answers import Answer, more, understood
from autodevops.jamie.context import Context
from autodevops.jamie.markdown import cites, code, table
from autodevops.toolbox.protocol import Emit, EvidenceSource

SHOWN = 30
_ORDER = {"critical": 0, "page": 0, "error": 1, "warning": 2, "info": 3}
_ABOUT = (
    "service",
    "service_name",
    "deployment",
    "statefulset",
    "daemonset",
    "workload",
    "pod",
    "node",
    "instance",
    "job",
)


async def answer(context: Context, source: EvidenceSource, emit: Emit) -> Answer:
    evidence, alerts, cut = await listed_alerts(source)
    scoped = context.namespace_named
    ours = [
        alert for alert in alerts if not scoped or alert.labels.get("namespace", context.namespace) == context.namespace
    ]
    firing = sorted((alert for alert in ours if alert.state == "firing"), key=rank)
    pending = sorted((alert for alert in ours if alert.state == "pending"), key=rank)
    muted = sum(alert.state == "suppressed" for alert in ours)
    where = f" in {code(context.namespace)}" if scoped else ""
    cited = cites(item.id for item in evidence if item.ok)
    if not firing:
        text = f"**Nothing is firing{where}.**{cited}"
    else:
        names = ", ".join(code(name) for name in dict.fromkeys(alert.name for alert in firing[:5]))
        noun = "alert is" if len(firing) == 1 else "alerts are"
        text = f"**{len(firing)} {noun} firing{where}: {names}.**{cited}\n\n{_table(firing)}"
    if pending:
        text += f"\n\nPending, not firing yet:\n\n{_table(pending)}"
    if muted:
        text += f"\n\nSilenced or inhibited: {muted}."
    if cut:
        text += "\n\nThe list was cut; there are more alerts."
    grave = any(rank(alert)[0] == 0 for alert in firing)
    items = tuple(_subject(alert) for alert in firing[:SHOWN])
    return Answer(text, evidence, _follow_ups(context, firing), items, grave)


async def listed_alerts(source: EvidenceSource) -> tuple[tuple[Evidence, ...], tuple[Alert, ...], bool]:
    rules = await source.collect("prometheus.list_alerts", {})
    if rules.ok:
        listed = understood(rules, AlertList)
        return (rules,), listed.alerts, listed.truncated
    groups = await source.collect("prometheus.list_alert_groups", {})
    if not groups.ok:
        understood(rules, AlertList)  # raises, with Prometheus' reason
    grouped = understood(groups, AlertGroupList)
    return (rules, groups), tuple(alert for group in grouped.groups for alert in group.alerts), grouped.truncated


def rank(alert: Alert) -> tuple[int, str, str]:
    return (_ORDER.get(alert.labels.get("severity", ""), 2), alert.starts_at.isoformat(), alert.name)


def _table(alerts: list[Alert]) -> str:
    rows = [
        [
            code(alert.name),
            code(alert.labels.get("severity", "none")),
            code(about_what(alert)),
            f"{alert.starts_at:%Y-%m-%d %H:%M}",
            code(alert.annotations.get("summary") or alert.annotations.get("description", "")),
        ]
        for alert in alerts[:SHOWN]
    ]
    return table(("Alert", "Severity", "About", "Since (UTC)", "Summary"), rows) + more(len(alerts), SHOWN)


def about_what(alert: Alert) -> str:
    what = next((alert.labels[key] for key in _ABOUT if alert.labels.get(key)), "")
    return "/".join(part for part in (alert.labels.get("namespace", ""), what) if part) or "the cluster"


def _subject(alert: Alert) -> Subject:
    """What an alert is about, as far as its labels say."""
    namespace = alert.labels.get("namespace", "")
    for label, kind in (("deployment", "Deployment"), ("statefulset", "StatefulSet"), ("pod", "Pod"), ("node", "Node")):
        if alert.labels.get(label):
            return Subject(kind=kind, name=alert.labels[label], namespace=namespace if kind != "Node" else "")
    name = next((alert.labels[key] for key in _ABOUT if alert.labels.get(key)), "")
    if name:
        return Subject(kind="Service", name=name, namespace=namespace, api_version="opentelemetry.io")
    return Subject(kind="Alert", name=alert.name, namespace=namespace)


def _follow_ups(context: Context, firing: list[Alert]) -> tuple[str, ...]:
    if not firing:
        return (f"Is everything healthy in {context.namespace}?", "What changed today?")
    first = firing[0]
    namespace = first.labels.get("namespace", context.namespace)
    what = next((first.labels[key] for key in ("service", "service_name", "deployment") if first.labels.get(key)), "")
    return (
        f"Why is {what} failing in {namespace}?" if what else f"What is wrong in {namespace}?",
        "What changed today?",
    )
