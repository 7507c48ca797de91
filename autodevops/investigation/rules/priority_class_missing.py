"""PriorityClassMissing (K8S058, state): a template names a PriorityClass that does not exist.

What: a refusal because there is no PriorityClass of the name in the template.

Why it matters: the pods that run stay; no new one is made, so a rollout hangs and a lost pod is not replaced.

Example: `The API server refuses pods of cart: no PriorityClass with name high was found`

What to do: create the PriorityClass, or correct `priorityClassName`.
"""

from __future__ import annotations

from collections.abc import Iterable

from autodevops.domain.finding import Finding
from autodevops.investigation.picture import Picture
from autodevops.investigation.rules.base import Rule
from autodevops.investigation.rules.refusals import refused


def _check(picture: Picture, _earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    return refused(RULE, picture, "priority class")


RULE = Rule("K8S058", "PriorityClassMissing", "state", _check, specificity=0.9, names_cause=True, documentation=__doc__)
