"""Who may come in: Jupyter Server's identity provider (a token, a password) and authorizer, with a login page of ours.

Nothing here looks at a kernel: whoever is not known gets no kernel at all.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from jupyter_server.auth.authorizer import Authorizer
from jupyter_server.auth.decorator import allow_unauthenticated
from jupyter_server.auth.identity import PasswordIdentityProvider, User
from jupyter_server.auth.login import LoginFormHandler
from jupyter_server.auth.security import passwd
from jupyter_server.base.handlers import JupyterHandler
from tornado.web import RequestHandler
from traitlets import Unicode

from autodevops.kernel.errors import UsageError
from autodevops.portal.pages import LOGIN_POLICY, login_page

KERNELS, PORTAL, APPROVALS = "kernels", "portal", "approvals"  # what can be authorized: Jupyter's own, and ours
_HASHES = ("argon2:", "sha1:", "sha256:", "sha512:")


class PortalIdentity(PasswordIdentityProvider):
    """A cookie that other sites' forms do not carry; nobody changes the password here.

    One token or password lets everybody in, so that all who come in are one person to the executor: `answers_as`.
    """

    answers_as = Unicode("", config=True)

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.allow_password_change = False
        self.login_handler_class = LoginPage
        self.logout_handler_class = LogoutPage
        self.cookie_options = {"samesite": "Lax"}

    def get_handlers(self) -> list[tuple[str, object]]:
        """Without sign-in there is no login page."""
        return super().get_handlers() if self.auth_enabled else []


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
