"""Who may come in: Jupyter Server's identity provider (a token, a password) and authorizer, with a login page of ours.

Nothing here looks at a kernel: whoever is not known gets no kernel at all.
"""

from __future__ import annotations

import hashlib
import json
from hmac import compare_digest
from pathlib import Path
from typing import Any

from jupyter_server.auth.authorizer import Authorizer
from jupyter_server.auth.decorator import allow_unauthenticated
from jupyter_server.auth.identity import PasswordIdentityProvider, User
from jupyter_server.auth.login import LoginFormHandler
from jupyter_server.auth.security import passwd
from jupyter_server.base.handlers import JupyterHandler
from tornado.web import RequestHandler
from traitlets import Dict, Unicode

from autodevops.kernel.errors import UsageError
from autodevops.portal.pages import LOGIN_POLICY, login_page

KERNELS, PORTAL, APPROVALS = "kernels", "portal", "approvals"  # what can be authorized: Jupyter's own, and ours
_PERSON = "person:"  # begins the user name of somebody who is known; others have a random one
_HASHES = ("argon2:", "sha1:", "sha256:", "sha512:")


class PortalIdentity(PasswordIdentityProvider):
    """A cookie that other sites' forms do not carry; nobody changes the password here.

    Who comes in with a token of `people` is that person to the executor. Whoever has the token or password for all is
    one person with all others who have it: `answers_as`.
    """

    answers_as = Unicode("", config=True)
    people = Dict(key_trait=Unicode(), value_trait=Unicode(), config=True)  # tokens by name, or "sha256:" and its hex

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.allow_password_change = False
        self.login_handler_class = LoginPage
        self.logout_handler_class = LogoutPage
        self.cookie_options = {"samesite": "Lax"}

    async def get_user_token(self, handler: RequestHandler) -> User | None:
        name = self._holder_of(self.get_token(handler) or "")
        return _user(name) if name else await super().get_user_token(handler)

    def process_login_form(self, handler: RequestHandler) -> User | None:
        name = self._holder_of(handler.get_argument("password", default=""))
        return _user(name) if name else super().process_login_form(handler)

    def cookie_secret_hook(self, h: Any) -> Any:
        """Cookies end with the token that they were given for."""
        h = super().cookie_secret_hook(h)
        h.update(json.dumps(self.people, sort_keys=True).encode())
        return h

    def visitor(self, user: User) -> str:
        """Who it is to the executor; empty: nobody that it knows."""
        if not self.auth_enabled:
            return ""
        name = user.username.removeprefix(_PERSON)
        return name if name != user.username and name in self.people else str(self.answers_as)

    def _holder_of(self, token: str) -> str:
        told = token.encode("utf-8", "surrogatepass")
        hashed = f"sha256:{hashlib.sha256(told).hexdigest()}".encode()
        names = [
            name
            for name, kept in self.people.items()
            if compare_digest(kept.encode(), hashed if kept.startswith("sha256:") else told)
        ]
        return names[0] if names else ""

    def get_handlers(self) -> list[tuple[str, object]]:
        """Without sign-in there is no login page."""
        return super().get_handlers() if self.auth_enabled else []


def _user(name: str) -> User:
    return User(username=f"{_PERSON}{name}", name=name, display_name=name)


class PortalAuthorizer(Authorizer):
    """Whoever is known may use a page: its kernel, what the portal shows, and the executor's questions, about which
    the executor itself knows who may answer. Nothing else is served."""

    def is_authorized(self, handler: RequestHandler, user: User, action: str, resource: str) -> bool:
        return resource in {KERNELS, APPROVALS} or (resource == PORTAL and action == "read")


class LogoutPage(JupyterHandler):
    @allow_unauthenticated
    def get(self) -> None:
        self.identity_provider.clear_login_cookie(self)
        self.redirect(self.settings["login_url"])


class LoginPage(LoginFormHandler):
    @property
    def content_security_policy(self) -> str:
        return LOGIN_POLICY

    def _render(self, message: dict[str, str] | None = None) -> None:
        wrong = message is not None
        if wrong:
            self.log.warning("A wrong token or password came from %s", self.request.remote_ip)
        self.set_header("Cache-Control", "no-store")
        form = self.xsrf_form_html()
        self.write(login_page(form, wrong=wrong, password=bool(getattr(self.identity_provider, "hashed_password", ""))))


def hashed_password(path: Path) -> str:
    """Of a file that holds a password, or the hash that Jupyter makes of one. Raises UsageError."""
    try:
        text = path.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"The password file {path} cannot be read: {error}.", "Check its path and rights.") from error
    if not text:
        raise UsageError(f"The password file {path} is empty.", "Write a password into it.")
    return text if text.startswith(_HASHES) else str(passwd(text))  # type: ignore[no-untyped-call]
