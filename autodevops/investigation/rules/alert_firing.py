"""AlertFiring (ALR001, alert): a rule that somebody wrote is firing for this namespace or one of its workloads.

What: alerts that are firing at the window's end, or fired within the window, from Prometheus and Alertmanager.
Alerts of severity `none` or `info` (Watchdog, InfoInhibitor) are left out, as they mean that all is well.

Why it matters: an alert is an opinion of the people who run the system about what must not be.

Example: `Alert HighErrorRate is firing since 03:30 UTC for payments`.

What to do: an alert names a symptom; look at the first hypothesis for its cause.
"""

from __future__ import annotations

from collections.abc import Iterable

from autodevops.domain.finding import Finding, Severity
from autodevops.domain.subject import Subject
from autodevops.investigation.picture import Picture
from autodevops.investigation.rules.base import Rule, clock

_HARMLESS = {"none", "info", "informational", "debug", "ok"}
_GRAVE = {"critical", "page", "error", "high", "p1", "sev1"}


def _check(picture: Picture, _earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    for seen in picture.alerts:
        alert = seen.alert
        level = alert.labels.get("severity", "").lower()
        if level in _HARMLESS or alert.name in {"Watchdog", "InfoInhibitor"}:
            continue
        subject = seen.subject or Subject(kind="Namespace", name=picture.inventory.namespace, api_version="v1")
        firing = alert.state == "firing"
        severity: Severity = "info" if not firing else "error" if level in _GRAVE else "warning"
        words = alert.annotations.get("summary") or alert.annotations.get("description") or ""
        for_whom = f" for {seen.subject.name}" if seen.subject else ""
        state = "is firing since" if firing else "fired at"
        yield RULE.finding(
            subject,
            f"Alert {alert.name} {state} {clock(alert.starts_at)}{for_whom}" + (f": {words.strip()}" if words else "."),
            severity=severity,
            confidence=0.9,
            evidence=[seen.evidence],
            onset=alert.starts_at,
        )


RULE = Rule("ALR001", "AlertFiring", "alert", _check, specificity=0.05, documentation=__doc__)
