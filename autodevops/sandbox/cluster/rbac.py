"""Who may do what: Roles and bindings out of the store, judged as RBAC does.

`system:masters` may do everything, whatever the store says. Refusing a request is the API server's business
(`kubernetes/rbac.py`); a program that is refused is the world's.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from autodevops.sandbox.cluster.meta import matches
from autodevops.sandbox.cluster.store import Json, Store

ACCOUNT = "system:serviceaccount:"
_GROUP = "rbac.authorization.k8s.io"


@dataclass(frozen=True)
class User:
    """Somebody who asks."""

    name: str
    groups: tuple[str, ...] = ()
    uid: str = ""


def groups_of(name: str) -> tuple[str, ...]:
    """The groups a name brings with it."""
    if not name.startswith(ACCOUNT):
        return ("system:authenticated",)
    namespace = name.removeprefix(ACCOUNT).partition(":")[0]
    return ("system:serviceaccounts", f"system:serviceaccounts:{namespace}", "system:authenticated")


@dataclass(frozen=True)
class Wish:
    """What somebody wants to do: to a resource, or to a `path`."""

    verb: str
    group: str = ""
    plural: str = ""
    subresource: str = ""
    namespace: str = ""
    name: str = ""
    path: str = ""

    @property
    def resource(self) -> str:
        return f"{self.plural}/{self.subresource}" if self.subresource else self.plural


@dataclass(frozen=True)
class Judgement:
    """Whether it is allowed, why, and which roles that are bound are not there."""

    allowed: bool
    reason: str = ""
    problems: Sequence[str] = field(default_factory=tuple)


def judge(store: Store, user: User, wish: Wish) -> Judgement:
    if "system:masters" in user.groups:
        return Judgement(True)
    problems: list[str] = []
    for rule, source in rules_of(store, user, wish.namespace, problems):
        if _covers(rule, wish):
            return Judgement(True, f"RBAC: allowed by {source}")
    return Judgement(False, _problems(problems), problems)


def forbidden(user: User, wish: Wish, found: Judgement) -> str:
    """What somebody is told who may not."""
    because = f": {found.reason}" if found.reason else ""
    if wish.path:
        return f'forbidden: User "{user.name}" cannot {wish.verb} path "{wish.path}"{because}'
    scope = f' in the namespace "{wish.namespace}"' if wish.namespace else " at the cluster scope"
    suffix = f".{wish.group}" if wish.group else ""
    named = f' "{wish.name}"' if wish.name else ""
    return (
        f'{wish.plural}{suffix}{named} is forbidden: User "{user.name}" cannot {wish.verb} resource "{wish.resource}" '
        f'in API group "{wish.group}"{scope}{because}'
    )


def rules_of(store: Store, user: User, namespace: str, problems: list[str]) -> Iterator[tuple[Json, str]]:
    """Every rule that holds for somebody, cluster-wide or in a namespace, with the words for where it comes from."""
    for binding in store.items("ClusterRoleBinding"):
        yield from _bound(store, user, binding, "", problems)
    if namespace:
        for binding in store.items("RoleBinding", namespace):
            yield from _bound(store, user, binding, namespace, problems)


def may_grant(store: Store, user: User, rules: Sequence[Json], namespace: str) -> bool:
    """Whether somebody has every right in `rules` already, as whoever hands out rights must."""
    if "system:masters" in user.groups:
        return True
    held = [rule for rule, _ in rules_of(store, user, namespace, [])]
    return all(
        any(_covers(one, wish) for one in held)
        for rule in rules
        for verb in rule.get("verbs") or ()
        for wish in (
            *(
                Wish(verb, group, resource.partition("/")[0], resource.partition("/")[2], namespace, name)
                for group in rule.get("apiGroups") or ()
                for resource in rule.get("resources") or ()
                for name in rule.get("resourceNames") or ("",)
            ),
            *(Wish(verb, path=path) for path in rule.get("nonResourceURLs") or ()),
        )
    )


def _bound(store: Store, user: User, binding: Json, namespace: str, problems: list[str]) -> Iterator[tuple[Json, str]]:
    subject = next((one for one in binding.get("subjects") or () if _is(one, user, namespace)), None)
    if subject is None:
        return
    reference, meta = binding["roleRef"], binding["metadata"]
    kind, name = reference["kind"], reference["name"]
    role = store.get(kind, namespace if kind == "Role" else "", name)
    if role is None:
        problems.append(f'{kind.lower()}.{_GROUP} "{name}" not found')
        return
    whose = f"{meta['name']}/{namespace}" if namespace else meta["name"]
    who = subject["name"]
    if subject["kind"] == "ServiceAccount":
        who = f"{who}/{subject.get('namespace') or namespace}"
    source = f'{binding["kind"]} "{whose}" of {kind} "{name}" to {subject["kind"]} "{who}"'
    for rule in _rules(store, role):
        yield rule, source


def _rules(store: Store, role: Json) -> Sequence[Json]:
    """A role's rules; an aggregated one has those of the ClusterRoles it selects."""
    found = [*(role.get("rules") or ())]
    for selector in (role.get("aggregationRule") or {}).get("clusterRoleSelectors") or ():
        for other in store.items("ClusterRole"):
            if other is not role and matches(selector, other["metadata"].get("labels") or {}):
                found += _rules(store, other)
    return found


def _is(subject: Json, user: User, namespace: str) -> bool:
    match subject["kind"]:
        case "User":
            return bool(subject["name"] == user.name)
        case "Group":
            return subject["name"] in user.groups
        case "ServiceAccount":
            where = subject.get("namespace") or namespace
            return user.name == f"{ACCOUNT}{where}:{subject['name']}"
        case _:
            return False


def _covers(rule: Json, wish: Wish) -> bool:
    if not _among(wish.verb, rule.get("verbs")):
        return False
    if wish.path:
        return any(
            one in ("*", wish.path) or (one.endswith("*") and wish.path.startswith(one[:-1]))
            for one in rule.get("nonResourceURLs") or ()
        )
    resources = rule.get("resources") or ()
    fits = "*" in resources or wish.resource in resources or (wish.subresource and f"*/{wish.subresource}" in resources)
    names = rule.get("resourceNames") or ()
    return bool(fits) and _among(wish.group, rule.get("apiGroups")) and (not names or wish.name in names)


def _among(value: str, allowed: Sequence[str] | None) -> bool:
    return "*" in (allowed or ()) or value in (allowed or ())


def _problems(problems: Sequence[str]) -> str:
    if not problems:
        return ""
    return f"RBAC: {problems[0]}" if len(problems) == 1 else f"RBAC: [{', '.join(problems)}]"
