"""ServiceAccountMissing (K8S012, state): a template names a ServiceAccount that is not there.

What: a refusal because the ServiceAccount that the template names does not exist.

Why it matters: no new pod is made until there is an account of that name.

Example: `The API server refuses pods of shipping: error looking up service account shop/shipping: ...`

What to do: create the ServiceAccount, with its pull secrets and role bindings, or correct `serviceAccountName`.
"""

from __future__ import annotations

from collections.abc import Iterable

from autodevops.domain.finding import Finding
from autodevops.investigation.picture import Picture
from autodevops.investigation.rules.base import Rule
from autodevops.investigation.rules.refusals import refused


def _check(picture: Picture, _earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    return refused(RULE, picture, "service account")


RULE = Rule(
    "K8S012", "ServiceAccountMissing", "state", _check, specificity=0.9, names_cause=True, documentation=__doc__
)
