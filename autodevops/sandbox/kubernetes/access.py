"""Who asks: bearer tokens, the accounts they stand for, and impersonation.

A token is signed with the sandbox's secret and says whom it is for, so nothing has to be kept; the secret itself is the
administrator's token. What somebody may do is `cluster/rbac.py`'s business.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Iterable, Mapping

from autodevops.sandbox.cluster.rbac import ACCOUNT, User, groups_of
from autodevops.sandbox.cluster.store import Store
from autodevops.sandbox.kubernetes.status import unauthorized

PUBLIC = ("/version", "/healthz", "/livez", "/readyz")  # system:public-info-viewer


ADMINISTRATOR = User("kubernetes-admin", ("system:masters", "system:authenticated"))


def token_for(secret: str, name: str, groups: Iterable[str] = (), expires: float | None = None) -> str:
    """A token for a user or, named `system:serviceaccount:NAMESPACE:NAME`, for a service account."""
    claims = {"sub": name, **({"groups": [*groups]} if groups else {}), **({"exp": int(expires)} if expires else {})}
    text = f"{_pack({'alg': 'HS256', 'typ': 'JWT'})}.{_pack(claims)}"
    return f"{text}.{_signature(secret, text)}"


def authenticate(headers: Mapping[str, str], secret: str, store: Store) -> User:
    """Whose token the request carries. Raises Refused (401)."""
    scheme, _, given = headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        raise unauthorized()
    user = user_of(given.strip(), secret, store)
    if user is None:
        raise unauthorized()
    return user


def user_of(token: str, secret: str, store: Store) -> User | None:
    """Whom a token stands for; None when it is not ours, has expired, or its service account is gone."""
    if hmac.compare_digest(token.encode(), secret.encode()):
        return ADMINISTRATOR
    text, _, signature = token.rpartition(".")
    if not text or not hmac.compare_digest(signature.encode(), _signature(secret, text).encode()):
        return None
    try:
        claims = json.loads(base64.urlsafe_b64decode(text.partition(".")[2] + "=="))
    except (binascii.Error, ValueError):
        return None
    if "exp" in claims and claims["exp"] <= store.now:
        return None
    name = str(claims["sub"])
    if name.startswith(ACCOUNT):
        account = store.get("ServiceAccount", *name.removeprefix(ACCOUNT).split(":", 1))
        return None if account is None else User(name, groups_of(name), account["metadata"]["uid"])
    return User(name, (*claims.get("groups", ()), "system:authenticated"))


def _pack(value: Mapping[str, object]) -> str:
    return base64.urlsafe_b64encode(json.dumps(value, separators=(",", ":")).encode()).decode().rstrip("=")


def _signature(secret: str, text: str) -> str:
    return base64.urlsafe_b64encode(hmac.digest(secret.encode(), text.encode(), hashlib.sha256)).decode().rstrip("=")
