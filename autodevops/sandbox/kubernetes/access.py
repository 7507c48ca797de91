"""Who asks and what they may: one user with a bearer token and a role that reads everything and mends a little."""

from __future__ import annotations

import hmac
from collections.abc import Iterable

from starlette.requests import Request

from autodevops.sandbox.kubernetes.resources import RESOURCES, Resource, find_resource
from autodevops.sandbox.kubernetes.status import forbidden, unauthorized
from autodevops.sandbox.world.templates import Json

USER = "system:serviceaccount:default:sandbox-operator"
_PUBLIC = ("/version", "/healthz", "/livez", "/readyz")  # system:public-info-viewer


def authenticate(request: Request, token: str) -> None:
    """Raises Refused (401) unless the request carries the token, or asks what everybody may know."""
    if request.url.path.rstrip("/") in _PUBLIC:
        return
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not hmac.compare_digest(given.strip().encode(), token.encode()):
        raise unauthorized()


def may(resource: Resource | None, verb: str, subresource: str = "") -> bool:
    """Whether the role allows it."""
    if resource is None:
        return False
    if subresource:
        known = resource.subresources.get(subresource)
        return known is not None and subresource != "status" and verb in known[1]
    return verb in resource.allowed


def authorize(resource: Resource, verb: str, namespace: str, name: str, subresource: str = "") -> None:
    """Raises Refused (403) when the role does not allow it."""
    if not may(resource, verb, subresource):
        raise forbidden(USER, verb, resource, namespace, name, subresource)


def access_review(review: Json) -> Json:
    """A SelfSubjectAccessReview with its answer."""
    wanted = review.get("spec", {}).get("resourceAttributes")
    if wanted is None:
        path = review.get("spec", {}).get("nonResourceAttributes", {})
        allowed = path.get("verb") == "get"
    else:
        group, plural = wanted.get("group", ""), wanted.get("resource", "")
        found = _matching(group, plural, wanted.get("version", ""))
        verb = wanted.get("verb", "")
        allowed = plural != "*" and verb != "*" and any(may(one, verb, wanted.get("subresource", "")) for one in found)
    status: Json = {"allowed": allowed}
    if allowed:
        status["reason"] = 'RBAC: allowed by ClusterRoleBinding "sandbox-operator" of ClusterRole "sandbox-operator"'
    return {
        "kind": "SelfSubjectAccessReview",
        "apiVersion": "authorization.k8s.io/v1",
        "metadata": {"creationTimestamp": None},
        "spec": review.get("spec", {}),
        "status": status,
    }


def _matching(group: str, plural: str, version: str) -> Iterable[Resource]:
    if version and version != "*":
        found = find_resource(group, version, plural)
        return [found] if found else []
    return [one for one in RESOURCES if one.plural == plural and group in ("*", one.group)]


def rules_review(review: Json) -> Json:
    """A SelfSubjectRulesReview with its answer."""
    rules: list[Json] = []
    for resource in RESOURCES:
        rules.append(
            {"verbs": list(resource.allowed), "apiGroups": [resource.group], "resources": [resource.plural]}
        )  # fmt: skip
        for name, (_, verbs) in resource.subresources.items():
            if name != "status":
                plural = f"{resource.plural}/{name}"
                rules.append({"verbs": list(verbs), "apiGroups": [resource.group], "resources": [plural]})
    return {
        "kind": "SelfSubjectRulesReview",
        "apiVersion": "authorization.k8s.io/v1",
        "metadata": {"creationTimestamp": None},
        "spec": review.get("spec", {}),
        "status": {
            "resourceRules": rules,
            "nonResourceRules": [{"verbs": ["get"], "nonResourceURLs": ["*"]}],
            "incomplete": False,
        },
    }
