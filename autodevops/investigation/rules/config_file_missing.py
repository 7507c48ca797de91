"""ConfigFileMissing (K8S150, state): a program looks for a file where a ConfigMap is mounted that no longer has it.

What: the words with which a container ended, or fails, name a file that is not there; the template mounts a ConfigMap
at that folder, which has no such key and was edited since the workload was last released.

Why it matters: pods that run have read it; whichever starts next, by a restart, an eviction or a scale-up, does not
come up, long after the edit.

Example: `ConfigMap shop-config, which shop has at /etc/shop, was edited and has no shop.yaml, which shop looks for`

What to do: give the key its name back, or let the program read the new one; then restart what failed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from autodevops.domain.finding import Finding
from autodevops.domain.subject import Subject
from autodevops.investigation.inventory import Object, Workload, items, name_of, section
from autodevops.investigation.picture import Picture
from autodevops.investigation.rules.base import Rule
from autodevops.investigation.rules.said import Said, said

CATEGORY: Final = "configuration invalid"
_PATH: Final = re.compile(r"(?<![\w.:/])(/[\w.@+-]+(?:/[\w.@+-]+)+)")


def _check(picture: Picture, earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    for lack in lacking(picture, earlier):
        name, config = lack.said.subject.name, name_of(lack.config)
        yield RULE.finding(
            picture.inventory.object_subject(lack.config),
            f"ConfigMap {config}, which {name} has at {lack.folder}, was edited and has no {lack.file}, which {name}"
            " looks for.",
            severity="error",
            confidence=0.95,
            evidence=(*lack.said.evidence, *picture.evidence_of("ConfigMap")),
            onset=lack.said.onset,
        )


@dataclass(frozen=True)
class Lack:
    said: Said
    config: Object
    folder: str
    file: str


def lacking(picture: Picture, earlier: tuple[Finding, ...]) -> Iterator[Lack]:
    """Files that programs say are not there and an edited ConfigMap no longer has."""
    configs = {name_of(item): item for item in picture.inventory.of_kind("ConfigMap")}
    for one in said(frozenset({CATEGORY}), picture, earlier):
        workload = picture.inventory.workload(one.subject)
        for path in _PATH.findall(one.line.message):
            for config, folder, file in _mounted(workload, path) if workload is not None else ():
                item = configs.get(config)
                if item is None or file in {*section(item, "data"), *section(item, "binaryData")}:
                    continue
                if _edited_since_release(config, one.subject, picture):
                    yield Lack(one, item, folder, file)


def _mounted(workload: Workload, path: str) -> Iterator[tuple[str, str, str]]:
    """(ConfigMap, folder, key) of mounts that should hold the file; of whole ConfigMaps alone, whose keys are names."""
    volumes = {str(one.get("name", "")): section(one, "configMap") for one in items(workload.pod_spec, "volumes")}
    for container in items(workload.pod_spec, "containers"):
        for mount in items(container, "volumeMounts"):
            volume = volumes.get(str(mount.get("name", "")), {})
            folder, _, file = path.rpartition("/")
            whole = volume and not volume.get("items") and not mount.get("subPath") and not mount.get("subPathExpr")
            if whole and str(mount.get("mountPath", "")).rstrip("/") == folder:
                yield str(volume.get("name", "")), folder, file


def _edited_since_release(config: str, reader: Subject, picture: Picture) -> bool:
    """Whether what runs was released before its last edit: until then it came up, so the file was there."""
    edits = [one for one in picture.edits if (one.subject.kind, one.subject.name) == ("ConfigMap", config)]
    last = max((one.at for one in edits if not one.created), default=None)
    released = [one.change.at for one in picture.rollouts if one.subject == reader and not one.restart_only]
    return last is not None and all(at < last for at in released)


RULE = Rule(
    "K8S150", "ConfigFileMissing", "state", _check, specificity=0.96, stage=2, names_cause=True, shows_elsewhere=True,
    documentation=__doc__,
)  # fmt: skip
