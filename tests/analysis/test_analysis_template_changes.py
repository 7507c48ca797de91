"""What a change of a pod template touched, and whether a named trouble can come of it."""

from __future__ import annotations

from typing import Any

import pytest

from autodevops.analysis.template_changes import COMES_OF, can_come_of, touched
from autodevops.investigation.rules import BY_ID


def template(spec: dict[str, Any] | None = None, metadata: dict[str, Any] | None = None, **container: Any) -> Any:
    app = {"name": "app", "image": "registry.example:5000/shop/app:1.0", **container}
    return {"metadata": metadata or {}, "spec": {"containers": [app], **(spec or {})}}


SIDECAR = {"containers": [{"name": "app", "image": "registry.example:5000/shop/app:1.0"}, {"name": "proxy"}]}
CHANGES: dict[str, tuple[Any, set[str]]] = {
    "nothing": (template(), set()),
    "a new tag": (template(image="registry.example:5000/shop/app:1.1"), {"image"}),
    "a digest beside the tag": (template(image="registry.example:5000/shop/app:1.0@sha256:0a"), {"image"}),
    "another registry": (template(image="mirror.example/shop/app:1.0"), {"image", "image.name"}),
    "a variable": (template(env=[{"name": "A", "value": "b"}]), {"env"}),
    "a request": (template(resources={"requests": {"cpu": "9"}}), {"resources", "resources.cpu"}),
    "a limit": (template(resources={"limits": {"memory": "1Gi"}}), {"resources", "resources.memory"}),
    "a selector": (template({"nodeSelector": {"disk": "ssd"}}), {"nodeSelector"}),
    "a sidecar": (template(SIDECAR), {"containers"}),
    "an init container": (template({"initContainers": [{"name": "migrate"}]}), {"containers"}),
    "a restart": (template(metadata={"annotations": {"kubectl.kubernetes.io/restartedAt": "now"}}), set()),
    "a hash of settings": (template(metadata={"annotations": {"checksum/config": "5f1c"}}), set()),
    "a version's label": (template(metadata={"labels": {"app.kubernetes.io/version": "2"}}), set()),
    "an injected proxy": (template(metadata={"annotations": {"linkerd.io/inject": "enabled"}}), {"annotations"}),
}


@pytest.mark.parametrize(("new", "fields"), CHANGES.values(), ids=CHANGES)
def test_the_fields_that_a_change_touched(new: Any, fields: set[str]) -> None:
    assert touched(template(), new) == touched(new, template()) == fields


CAN = [
    ("NodesCordoned", "a new tag", False),
    ("NodesCordoned", "a selector", True),
    ("UntoleratedTaint", "a variable", False),
    ("InsufficientCPU", "a new tag", False),
    ("InsufficientCPU", "a limit", False),
    ("InsufficientCPU", "a request", True),
    ("InsufficientCPU", "a sidecar", True),
    ("InsufficientResource", "a request", True),
    ("SecretMissing", "a new tag", False),
    ("SecretMissing", "a variable", True),
    ("RegistryUnreachable", "a new tag", False),
    ("RegistryUnreachable", "another registry", True),
    ("ImageNotFound", "a new tag", True),
    ("NetworkLoss", "a new tag", False),
    ("NetworkLoss", "an injected proxy", True),
    ("ScaledToZero", "a sidecar", False),
    ("MemoryLeak", "a new tag", True),
    ("ErrorRateIncreased", "a variable", True),
]


@pytest.mark.parametrize(("reason", "change", "can"), CAN)
def test_what_can_come_of_a_change(reason: str, change: str, can: bool) -> None:
    assert can_come_of(reason, touched(template(), CHANGES[change][0])) == can


def test_what_was_touched_may_be_unknown() -> None:
    assert can_come_of("NodesCordoned", None)
    assert not can_come_of("ScaledToZero", None)


def test_the_table_knows_only_reasons_that_name_a_cause() -> None:
    naming = {rule.reason for rule in BY_ID.values() if rule.names_cause}
    assert COMES_OF.keys() <= naming
