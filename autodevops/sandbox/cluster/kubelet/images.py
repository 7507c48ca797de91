"""Images: their names, what a node has, and whether the kubelet pulls. Pulling itself is the surroundings' business."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from autodevops.sandbox.basics.hashing import digest
from autodevops.sandbox.cluster.store import Json

_DOMAIN = r"(?:[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?(?:\.[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?)*(?::\d+)?)"
_PART = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
# The grammar of distribution/reference: [domain/]path[:tag][@digest].
_NAME = re.compile(
    rf"(?:{_DOMAIN}/)?{_PART}(?:/{_PART})*(?P<tag>:[\w][\w.-]{{0,127}})?(?P<digest>@[A-Za-z][\w+.-]*:[0-9a-fA-F]{{32,}})?"
)


class BadName(ValueError):
    """Not an image reference."""


def with_tag(image: str) -> str:
    """The name with its default tag. Raises BadName in the words of distribution/reference."""
    match = _NAME.fullmatch(image)
    if match is None:
        remote = _remote(image)
        if remote != remote.lower():
            raise BadName(f"invalid reference format: repository name ({remote}) must be lowercase")
        raise BadName("invalid reference format")
    return image if match["tag"] or match["digest"] else f"{image}:latest"


def _remote(image: str) -> str:
    """The part behind the registry, without tag: what has to be in small letters."""
    head, slash, rest = image.partition("/")
    if not slash:
        rest = f"library/{image}"
    elif not (set(".:") & set(head) or head == "localhost" or head != head.lower()):
        rest = image
    return rest.partition(":")[0]


def qualified(image: str) -> str:
    """The name as containerd writes it, such as `docker.io/library/nginx:1.29`."""
    head, slash, _ = image.partition("/")
    if slash and ("." in head or ":" in head or head == "localhost"):
        return image
    return f"docker.io/{image}" if slash else f"docker.io/library/{image}"


def image_id(image: str) -> str:
    """The digest reference a container's status shows as imageID."""
    name, _, fixed = qualified(image).partition("@")
    if fixed:
        return f"{name}@{fixed}"
    repository = name[: name.rindex(":")] if ":" in name.rpartition("/")[2] else name
    return f"{repository}@sha256:{digest('image', name, size=32)}"


def pull_policy(container: Json) -> str:
    """The policy, with the API server's default where nobody wrote one."""
    image = str(container.get("image", ""))
    latest = "@" not in image and (image.endswith(":latest") or ":" not in image.rpartition("/")[2])
    return str(container.get("imagePullPolicy") or ("Always" if latest else "IfNotPresent"))


@dataclass(slots=True)
class Images:
    """The images of one node. The kubelet pulls one after the other (serializeImagePulls)."""

    since: dict[str, float] = field(default_factory=dict)
    """Qualified name -> the moment it is there."""
    free: float = 0.0
    """When the pull under way ends."""

    def has(self, image: str, at: float) -> bool:
        return self.since.get(qualified(image), float("inf")) <= at


def images_of(node: Json) -> Images:
    """What a node says it has."""
    listed = (node.get("status") or {}).get("images") or ()
    return Images({qualified(name): 0.0 for image in listed for name in image.get("names") or ()})
