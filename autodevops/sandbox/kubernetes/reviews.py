"""Questions to the API server that leave nothing behind: who am I, may I, may he; and tokens for service accounts."""

from __future__ import annotations

from typing import Any

from autodevops.sandbox.basics.moments import rfc3339
from autodevops.sandbox.cluster.rbac import ACCOUNT, User, Wish, judge, rules_of
from autodevops.sandbox.cluster.store import Json
from autodevops.sandbox.kubernetes.access import token_for, user_of
from autodevops.sandbox.kubernetes.call import Call
from autodevops.sandbox.kubernetes.status import bad_request, invalid
from autodevops.sandbox.kubernetes.validation.faults import wrong


def review(call: Call) -> Json:
    """A review with its answer. Raises Refused."""
    document = call.document()
    if not isinstance(document, dict):
        raise bad_request(f"the object provided is unrecognized (must be of type {call.resource.kind})")
    spec: Json = document.get("spec") or {}
    match call.resource.kind:
        case "SelfSubjectReview":
            return _answer(call, {}, {"userInfo": _info(call.user)})
        case "TokenReview":
            user = user_of(str(spec.get("token", "")), call.secret, call.store)
            status: Json = {"authenticated": True, "user": _info(user)} if user else {}
            return _answer(call, spec, status or {"error": "invalid bearer token", "user": {}})
        case "SelfSubjectRulesReview":
            return _answer(call, spec, _rules(call, spec))
        case "SelfSubjectAccessReview":
            return _answer(call, spec, _access(call, call.user, spec))
        case _:
            if not spec.get("user") and not spec.get("groups"):
                fault = wrong("spec.user", "", "at least one of user or group must be specified")
                raise invalid(call.resource, "", [fault])
            user = User(str(spec.get("user", "")), tuple(spec.get("groups") or ()))
            return _answer(call, spec, _access(call, user, spec))


def token_request(call: Call) -> Json:
    """POST serviceaccounts/token."""
    call.current()
    document = call.document()
    spec: Json = dict((document.get("spec") if isinstance(document, dict) else None) or {})
    seconds = spec.get("expirationSeconds") or 3600
    if seconds < 600:
        fault = wrong("spec.expirationSeconds", seconds, "may not specify a duration less than 10 minutes")
        raise invalid(call.resource, call.name, [fault])
    expires = call.now + seconds
    token = token_for(call.secret, f"{ACCOUNT}{call.namespace}:{call.name}", expires=expires)
    audiences = spec.get("audiences") or ["https://kubernetes.default.svc.cluster.local"]
    return {
        "kind": "TokenRequest",
        "apiVersion": "authentication.k8s.io/v1",
        "metadata": {"name": call.name, "namespace": call.namespace, "creationTimestamp": rfc3339(call.now)},
        "spec": {**spec, "expirationSeconds": seconds, "audiences": audiences},
        "status": {"token": token, "expirationTimestamp": rfc3339(expires)},
    }


def _answer(call: Call, spec: Json, status: Json) -> Json:
    found: Json = {
        "kind": call.resource.kind,
        "apiVersion": call.resource.api_version,
        "metadata": {"creationTimestamp": None},
    }
    return {**found, **({"spec": spec} if call.resource.kind != "SelfSubjectReview" else {}), "status": status}


def _info(user: User) -> Json:
    return {"username": user.name, **({"uid": user.uid} if user.uid else {}), "groups": list(user.groups)}


def _access(call: Call, user: User, spec: Json) -> Json:
    wanted: Any = spec.get("resourceAttributes")
    path: Any = spec.get("nonResourceAttributes")
    if (wanted is None) == (path is None):
        says = "exactly one of nonResourceAttributes or resourceAttributes must be specified"
        raise invalid(call.resource, "", [wrong("spec.resourceAttributes", wanted, says)])
    if wanted is None:
        wish = Wish(path.get("verb", ""), path=path.get("path", ""))
    else:
        names = ("verb", "group", "resource", "subresource", "namespace", "name")
        verb, group, plural, subresource, namespace, name = (str(wanted.get(one) or "") for one in names)
        wish = Wish(verb, group, plural, subresource, namespace or call.namespace, name)
    found = judge(call.store, user, wish)
    return {"allowed": found.allowed, **({"reason": found.reason} if found.reason else {})}


def _rules(call: Call, spec: Json) -> Json:
    resources: list[Json] = []
    paths: list[Json] = []
    problems: list[str] = []
    if "system:masters" in call.user.groups:
        resources.append({"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]})
        paths.append({"verbs": ["*"], "nonResourceURLs": ["*"]})
    for rule, _ in rules_of(call.store, call.user, str(spec.get("namespace", "")), problems):
        if rule.get("resources"):
            names = ("verbs", "apiGroups", "resources", "resourceNames")
            resources.append({name: rule[name] for name in names if rule.get(name)})
        if rule.get("nonResourceURLs"):
            paths.append({name: rule[name] for name in ("verbs", "nonResourceURLs")})
    status: Json = {"resourceRules": resources, "nonResourceRules": paths, "incomplete": bool(problems)}
    return {**status, "evaluationError": ", ".join(problems)} if problems else status
