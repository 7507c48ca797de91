"""PodSecurityViolation (K8S013, state): a template is less strict than its namespace demands.

What: a refusal by Pod Security admission: the namespace enforces a level that the template does not meet.

Why it matters: the sentence lists every setting that is too open; pods from before the label was set still run.

Example: `The API server refuses pods of email: violates PodSecurity "restricted:latest": ...`

What to do: set the listed fields of the securityContext, or lower the level in the namespace's labels.
"""

from __future__ import annotations

from collections.abc import Iterable

from autodevops.domain.finding import Finding
from autodevops.investigation.picture import Picture
from autodevops.investigation.rules.base import Rule
from autodevops.investigation.rules.refusals import refused


def _check(picture: Picture, _earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    return refused(RULE, picture, "pod security")


RULE = Rule("K8S013", "PodSecurityViolation", "state", _check, specificity=0.9, names_cause=True, documentation=__doc__)
