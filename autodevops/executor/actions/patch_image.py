"""Patch an image: one container of a workload runs another image, by a tag that says which or by digest.

For the release that is known to be good when no earlier revision has it, or for a tag that was spelled wrong. The
repository stays the same: another program is a deployment, not a repair. Undo puts the image from before back.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from autodevops.domain.action import PatchImage
from autodevops.domain.base import Json
from autodevops.domain.decision import Refusal
from autodevops.domain.plan import PreState
from autodevops.executor.fields import Field, TemplateKind, refusal

_VERSION = re.compile(r"(:[\w][\w.-]*|@sha256:[0-9a-f]+)+$")  # what follows the repository


class PatchImageKind(TemplateKind[PatchImage]):
    noun = PatchImage

    def container_fields(self, action: PatchImage) -> Mapping[Field, Json]:
        return {("image",): action.image}

    def objections(self, action: PatchImage, pre: PreState, before: Mapping[str, Json]) -> Iterable[Refusal]:
        if action.image.endswith(":latest"):
            yield refusal(f"{action.image} says nothing about which version that is.", "Give a tag or a digest.")
        for was in before.values():
            if isinstance(was, str) and _repository(was) != _repository(action.image):
                yield refusal(
                    f"{action.image} is of another repository than {was}.", "Deploy another program as you always do."
                )


def _repository(image: str) -> str:
    return _VERSION.sub("", image)
