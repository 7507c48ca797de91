"""NamespaceTerminating (K8S087, state): the namespace is being deleted, and nothing new may be made in it.

What: refusals because the namespace is being terminated, while workloads in it want pods.

Why it matters: what is there is deleted bit by bit; a finalizer that nobody removes keeps it in between for ever.

Example: `Namespace shop is being deleted, and pods of cart are refused`

What to do: see who deleted it. It cannot be undone: make it anew, and look for finalizers where it does not go.
"""

from __future__ import annotations

from collections.abc import Iterable

from autodevops.domain.finding import Finding
from autodevops.domain.subject import Subject
from autodevops.investigation.grounds import join
from autodevops.investigation.picture import Picture
from autodevops.investigation.rules.base import Rule
from autodevops.investigation.rules.refusals import refusals


def _check(picture: Picture, _earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    found = [refusal for refusal in refusals(picture) if refusal.kind == "terminating"]
    if found:
        namespace = picture.inventory.namespace
        yield RULE.finding(
            Subject(kind="Namespace", name=namespace, api_version="v1"),
            f"Namespace {namespace} is being deleted, and pods of {join(sorted({r.subject.name for r in found}))} are"
            " refused.",
            severity="critical",
            confidence=0.97,
            evidence=picture.evidence_of(*sorted({refusal.source for refusal in found})),
            onset=min((refusal.since for refusal in found if refusal.since is not None), default=None),
        )


RULE = Rule(
    "K8S087", "NamespaceTerminating", "state", _check, specificity=0.97, names_cause=True, documentation=__doc__
)
