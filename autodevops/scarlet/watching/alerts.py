"""What others' rules say: alerts that fire, from Alertmanager, else from Prometheus, and whom they are about.

Silenced and inhibited ones are left out, and those that mean no trouble. A Watchdog always fires: when one that did is
gone, alerts do not reach us, and that there are none means nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Final, Literal
from urllib.parse import urlsplit

from pydantic import ValidationError

from autodevops.domain.alert import Alert
from autodevops.domain.signal import Blind, IncidentSeverity
from autodevops.domain.subject import Subject
from autodevops.domain.tool_results import AlertGroupList, AlertList
from autodevops.investigation.inventory import node_subject
from autodevops.investigation.request_families import POD_LABELS
from autodevops.kernel.errors import ToolError
from autodevops.scarlet.watching.places import HOST, SERVICE, known_as
from autodevops.scarlet.watching.sight import Seen, Sight
from autodevops.toolbox.protocol import Tools

ORIGIN: Final = "alert"
WATCHDOG: Final = "Watchdog"
_HARMLESS: Final = {"none", "info", "informational", "debug", "ok"}
_SEVERITIES: Final[Mapping[str, IncidentSeverity]] = {
    **dict.fromkeys(("critical", "page", "emergency", "fatal", "disaster", "p1", "sev1"), "critical"),
    **dict.fromkeys(("warning", "warn", "minor", "low", "ticket", "p3", "p4", "sev3", "sev4"), "minor"),
}

_OBJECTS: Final = {
    "deployment": "Deployment",
    "statefulset": "StatefulSet",
    "daemonset": "DaemonSet",
    "cronjob": "CronJob",
    "job_name": "Job",
    "horizontalpodautoscaler": "HorizontalPodAutoscaler",
    "poddisruptionbudget": "PodDisruptionBudget",
    "persistentvolumeclaim": "PersistentVolumeClaim",
    "resourcequota": "ResourceQuota",
    "ingress": "Ingress",
}
_SERVICES: Final = (
    "destination_workload",
    "service_name",
    "service",
    "app_kubernetes_io_name",
    "app",
    "container",
    "job",
)
_EXPORTERS: Final = ("kube-state-metrics", "node-exporter", "kubelet", "cadvisor", "blackbox", "prometheus")


class Alerts:
    system: Final = "prometheus"
    hides: Final = ("alert/",)

    def __init__(self, tools: Tools, *, grouped: bool = True) -> None:
        """`grouped`: there is an Alertmanager."""
        self._tools = tools
        self._grouped = grouped
        self._guarded = False  # a Watchdog was seen

    async def look(self, now: datetime) -> Sight:
        """Raises ToolError when neither answers, and ValidationError."""
        alerts, blind = await told(self._tools, grouped=self._grouped)
        guarded = any(alert.name == WATCHDOG for alert in alerts)
        self._guarded = self._guarded or guarded
        if self._guarded and not guarded:
            words = f"The alert {WATCHDOG}, which always fires, does not: alerts do not come through."
            blind = (*blind, Blind(system="prometheus", words=words, hides=(f"{ORIGIN}/",)))
        return Sight(tuple(seen(alerts)), blind)


async def told(tools: Tools, *, grouped: bool = True) -> tuple[tuple[Alert, ...], tuple[Blind, ...]]:
    """Alertmanager's alerts; without it those of Prometheus, which does not know what people silenced, and why.

    Raises ToolError when neither answers, and ValidationError.
    """
    blind: tuple[Blind, ...] = ()
    if grouped:
        try:
            groups = AlertGroupList.model_validate((await tools.call("prometheus.list_alert_groups", {})).data)
            return tuple(alert for group in groups.groups for alert in group.alerts), ()
        except (ToolError, ValidationError) as error:
            words = error.message if isinstance(error, ToolError) else "It answered something of another shape."
            blind = (Blind(system="alertmanager", words=words),)
    return AlertList.model_validate((await tools.call("prometheus.list_alerts", {})).data).alerts, blind


async def pending(tools: Tools) -> tuple[Seen, ...]:
    """Alerts whose condition holds and whose `for` is not over: only Prometheus knows them. Raises ToolError."""
    alerts = AlertList.model_validate((await tools.call("prometheus.list_alerts", {})).data).alerts
    return tuple(seen(alerts, "pending"))


def seen(alerts: Iterable[Alert], state: Literal["firing", "pending"] = "firing") -> Iterable[Seen]:
    for alert in alerts:
        level = alert.labels.get("severity", "").lower()
        if alert.state != state or level in _HARMLESS or alert.name in (WATCHDOG, "InfoInhibitor"):
            continue
        subject = subject_of(alert.labels)
        said = alert.annotations.get("summary") or alert.annotations.get("description") or ""
        yield Seen(
            origin=ORIGIN,
            name=alert.name,
            subject=subject,
            namespace=subject.place if subject else alert.labels.get("namespace", ""),
            severity=_SEVERITIES.get(level, "major"),
            words=" ".join(said.split()) or f"Alert {alert.name} fires.",
            since=alert.starts_at,
            labels=alert.labels,
        )


def subject_of(labels: Mapping[str, str]) -> Subject | None:
    """Whom an alert's labels name: the most particular object. An exporter's own pod and service are nobody's trouble,
    unless nothing else is named."""
    namespace = labels.get("exported_namespace") or labels.get("namespace", "")
    for label, kind in _OBJECTS.items():
        if labels.get(label):
            return known_as(kind, labels[label], namespace)
    exported = any(labels.get("job", "").endswith(name) for name in _EXPORTERS)
    for label in POD_LABELS:
        pod = labels.get(label, "")
        if pod and not (exported and any(name in pod for name in _EXPORTERS)):
            return known_as("Pod", pod, namespace)
    if labels.get("node"):
        return node_subject(labels["node"])
    for label in () if exported else _SERVICES:
        if labels.get(label):
            name = labels[label].rsplit("/", 1)[-1]
            return Subject(kind="Service", name=name, namespace=namespace, api_version=SERVICE)
    host = urlsplit(labels.get("instance", "")).hostname  # of what a blackbox exporter probes
    if host:
        return Subject(kind=HOST, name=host)
    if exported and labels.get("instance") and "node" in labels.get("job", ""):
        return node_subject(labels["instance"].rsplit(":", 1)[0])
    return Subject(kind="Namespace", name=namespace, api_version="v1") if namespace and not exported else None
