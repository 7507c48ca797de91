"""Patch an environment variable: another value for one that a container has as plain text.

None is added and none is taken away, and none is changed that comes from a Secret or ConfigMap or looks like a secret:
its value is never seen here, so it could not be put back. Undo puts the value from before back, by another rollout.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from autodevops.analysis.redaction import redact
from autodevops.domain.action import PatchEnv
from autodevops.domain.base import Json
from autodevops.domain.decision import Refusal
from autodevops.domain.plan import PreState
from autodevops.executor.fields import Field, Named, TemplateKind, refusal


class PatchEnvKind(TemplateKind[PatchEnv]):
    noun = PatchEnv

    def container_fields(self, action: PatchEnv) -> Mapping[Field, Json]:
        return {("env", Named(action.variable), "value"): action.value}

    def objections(self, action: PatchEnv, pre: PreState, before: Mapping[str, Json]) -> Iterable[Refusal]:
        if any(value is None for value in before.values()):
            yield refusal(
                f"{action.container} has no variable {action.variable} with a plain value.",
                "Set it in its manifest, or change the Secret or ConfigMap it comes from.",
            )
        given: Json = {"env": [{"name": action.variable, "value": action.value}]}
        if redact(given) != given:
            yield refusal(f"The value for {action.variable} looks like a secret.", "Keep it in a Secret.")
