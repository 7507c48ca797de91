"""ServiceAccountMissing (K8S012, state): a template names a ServiceAccount that is not there.

What: a refusal because the ServiceAccount that the template names does not exist; or, where no refusal is left to
read, a workload that is short of pods and names one that is not among the namespace's.

Why it matters: no new pod is made until there is an account of that name.

Example: `The API server refuses pods of shipping: error looking up service account shop/shipping: ...`

What to do: create the ServiceAccount, with its pull secrets and role bindings, or correct `serviceAccountName`.
"""

from __future__ import annotations

from collections.abc import Iterable

from autodevops.domain.finding import Finding
from autodevops.investigation.inventory import name_of, section
from autodevops.investigation.picture import Picture
from autodevops.investigation.rules.base import Rule
from autodevops.investigation.rules.refusals import refusals, refused
from autodevops.investigation.rules.shortage import is_short


def _check(picture: Picture, _earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    yield from refused(RULE, picture, "service account")
    known = {name_of(account) for account in picture.inventory.of_kind("ServiceAccount")}
    told = {refusal.subject for refusal in refusals(picture)}
    for workload in picture.inventory.workloads if known else ():  # there is always `default`
        spec = section(workload.object, "spec", "template", "spec")
        name = str(spec.get("serviceAccountName") or spec.get("serviceAccount") or "default")
        if spec and name not in known and workload.subject not in told and is_short(workload, picture):
            yield RULE.finding(
                workload.subject,
                f"{workload.subject.name} misses pods, and its ServiceAccount {name} does not exist.",
                severity="error",
                confidence=0.9,
                evidence=picture.evidence_of("ServiceAccount", workload.subject.kind),
            )


RULE = Rule(
    "K8S012", "ServiceAccountMissing", "state", _check, specificity=0.95, names_cause=True, documentation=__doc__
)
