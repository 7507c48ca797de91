"""Requests refused for want of rights (403), and requests made as somebody else. Who may do what: `cluster/rbac.py`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from autodevops.sandbox.cluster.rbac import ACCOUNT, User, Wish, forbidden, groups_of, judge
from autodevops.sandbox.cluster.store import Store
from autodevops.sandbox.kubernetes.status import Refused


def authorize(store: Store, user: User, wish: Wish) -> None:
    """Raises Refused (403) when it is not allowed."""
    found = judge(store, user, wish)
    if found.allowed:
        return
    message = forbidden(user, wish, found)
    if wish.path:
        raise Refused(403, "Forbidden", message, {})
    raise Refused(
        403,
        "Forbidden",
        message,
        {
            **({"name": wish.name} if wish.name else {}),
            **({"group": wish.group} if wish.group else {}),
            "kind": wish.plural,
        },
    )


def impersonated(store: Store, user: User, headers: Mapping[str, str], groups: Sequence[str]) -> User:
    """Whom a request is made as. Raises Refused (403) when its sender may not."""
    name = headers.get("impersonate-user", "")
    if not name:
        return user
    if name.startswith(ACCOUNT):
        namespace, _, account = name.removeprefix(ACCOUNT).partition(":")
        authorize(store, user, Wish("impersonate", "", "serviceaccounts", namespace=namespace, name=account))
    else:
        authorize(store, user, Wish("impersonate", "", "users", name=name))
    for group in groups:
        authorize(store, user, Wish("impersonate", "", "groups", name=group))
    own = (*groups, "system:authenticated") if groups else groups_of(name)
    return User(name, tuple(dict.fromkeys(own)), headers.get("impersonate-uid", ""))
