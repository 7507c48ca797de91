"""Whether what pods run with is from before an edit of their settings.

A container takes its environment from a ConfigMap or Secret at its start, and most programs read a mounted file once:
https://kubernetes.io/docs/concepts/configuration/configmap/#mounted-configmaps-are-updated-automatically.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from autodevops.analysis.references import follows, referred
from autodevops.domain.subject import Subject
from autodevops.investigation.inventory import items, section
from autodevops.investigation.picture import ObjectEdit, Picture, Rollout
from autodevops.investigation.rollouts import parse_time

_SOON: Final = timedelta(minutes=30)  # after a rollout or restart: later edits have other grounds


def came_before(edit: ObjectEdit, rollout: Rollout, picture: Picture) -> bool:
    """Whether a rollout or restart came shortly before the edit of a ConfigMap or Secret, and no container of its
    workload has started since the edit."""
    if edit.subject.kind not in ("ConfigMap", "Secret") or not rollout.change.at < edit.at <= rollout.change.at + _SOON:
        return False
    return _runs_since_before(edit, rollout.subject, picture)


def cannot_have(edit: ObjectEdit, reader: Subject, picture: Picture) -> bool:
    """Whether no pod of a workload can have what was edited: they take it at their start alone, and all are older."""
    workload = picture.inventory.workload(reader)
    if workload is None or (edit.subject.kind, edit.subject.name) not in referred(workload.pod_spec):
        return False
    followed = follows(workload.pod_spec, edit.subject.kind, edit.subject.name)
    return not followed and _runs_since_before(edit, reader, picture)


def _runs_since_before(edit: ObjectEdit, reader: Subject, picture: Picture) -> bool:
    began = [
        parse_time(section(status, "state", "running").get("startedAt"))
        for pod in picture.inventory.pods_of(reader)
        for status in items(pod, "status", "containerStatuses")
    ]
    return bool(began) and all(at is not None and at < edit.at for at in began)
