"""The portal's server: Voila over our notebook, with every address behind authentication.

Voila checks who comes at its pages and websockets, but not at its static files, and serves images from the
notebook's folder to anybody. Here what is no login page is either guarded or not there.
"""

from __future__ import annotations

import errno
import logging
import os
import secrets
import signal
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jinja2
import tornado.httpserver
import tornado.ioloop
from jupyter_server.utils import url_path_join
from tornado.web import StaticFileHandler
from traitlets.config import Config
from voila.app import Voila
from voila.static_file_handler import AllowListFileHandler
from voila.tornado.handler import TornadoVoilaHandler

from autodevops.kernel.errors import AutoDevOpsError, UsageError
from autodevops.kernel.loopback import is_loopback
from autodevops.kernel.person import person
from autodevops.portal.handlers import ApprovalHandler, Guarded, MetricsHandler, PageHandler, ReportHandler
from autodevops.portal.identity import PortalAuthorizer, PortalIdentity, hashed_password
from autodevops.portal.inbox import Inbox
from autodevops.portal.kernels import VisitorKernels
from autodevops.portal.pages import error_page
from autodevops.portal.sources import Sources
from autodevops.settings import PortalSettings
from autodevops.widgets.serving import VOILA_EXTENSIONS, serving_environment

NOTEBOOK = Path(__file__).parent / "portal.ipynb"
CULL_EVERY_SECONDS = 60
ERRORS = jinja2.DictLoader(
    {
        "error.html": error_page(
            "{{ status_code }} {{ status_message }}", "{{ message }}", "The portal's log may say more."
        )
    }
)


@dataclass(frozen=True)
class Address:
    host: str
    port: int
    fixed: bool  # the port was asked for: another one will not do


_SECRET = tuple(f"AUTODEVOPS_PORTAL__{name}" for name in ("TOKEN", "PASSWORD_FILE", "PEOPLE"))


@dataclass(frozen=True)
class Door:
    """How people come in; neither token nor password: everybody who reaches the port."""

    token: str
    password: str  # hashed
    answers_as: str = ""  # who the executor takes all for who came in by these; empty: nobody
    people: Mapping[str, str] = field(default_factory=dict)  # tokens of their own, by name
    told: bool = True  # the token is shown to whoever starts this


def door_of(settings: PortalSettings, *, open_to_all: bool) -> Door:
    """A token is made when there is neither token nor password. Raises UsageError for a door that must not be open."""
    token = settings.token.get_secret_value()
    if open_to_all:
        if not is_loopback(settings.host):
            raise UsageError(
                f"The portal on {settings.host} without authentication would be open to everybody who reaches it.",
                "Leave out --no-auth, or give --host 127.0.0.1.",
            )
        if token or settings.password_file or settings.people:
            raise UsageError("--no-auth goes with neither a token nor a password.", "Give one or the other.")
        return Door("", "")
    answers_as = settings.answers_as
    people = {name: kept.get_secret_value() for name, kept in settings.people.items()}
    password = hashed_password(settings.password_file) if settings.password_file else ""
    if not token and not password and people:
        return Door(secrets.token_urlsafe(24), "", people=people, told=False)  # nobody has the one for all
    if not token and not password:
        if not is_loopback(settings.host):
            raise UsageError(
                f"The portal on {settings.host} needs a token or password that you know.",
                "Set AUTODEVOPS_PORTAL__TOKEN, or give --password-file FILE.",
            )
        token = secrets.token_urlsafe(24)
        answers_as = answers_as or person()  # it is told to nobody but whoever starts this
    return Door(token, password, answers_as, people)


def listening(address: Address) -> socket.socket:
    """A socket there; on another port when that is busy and any will do. Raises UsageError, AutoDevOpsError."""
    try:
        family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
        found = socket.create_server((address.host.strip("[]"), address.port), family=family, backlog=128)
    except OSError as error:
        if (error.errno or 0) < 0 or error.errno == errno.EADDRNOTAVAIL:  # below 0: the name is not known
            raise UsageError(f"{address.host} is no address of this machine.", "Give one to --host.") from error
        if address.fixed or address.port == 0:
            raise AutoDevOpsError(
                f"Port {address.port} of {address.host} cannot be had: {error.strerror or error}.",
                "Give another one with --port, or 0 for any.",
            ) from error
        return listening(Address(address.host, 0, fixed=True))
    found.setblocking(False)
    return found


class PortalServer(Voila):  # type: ignore[misc]  # no types published
    """`socket` listens already, so that what cannot be had is said before anything starts."""

    socket: socket.socket
    sources: Sources
    inbox: Inbox
    ready: Callable[[], None]

    def init_settings(self) -> dict[str, Any]:
        """Errors are pages of ours: Jupyter's want style sheets and pictures that are not served here."""
        return {**super().init_settings(), "jinja2_env": jinja2.Environment(loader=ERRORS, autoescape=True)}

    def init_handlers(self) -> list[Any]:
        handlers = []
        for pattern, handler, *arguments in super().init_handlers():
            if issubclass(handler, AllowListFileHandler):
                continue
            if issubclass(handler, TornadoVoilaHandler):
                handler = PageHandler
            elif issubclass(handler, StaticFileHandler):
                handler = type(f"Guarded{handler.__name__}", (Guarded, handler), {})
            handlers.append((pattern, handler, *arguments))
        report = url_path_join(self.server_url, r"/runs/([A-Za-z0-9._-]+)/report\.html")
        ours = [
            (report, ReportHandler, {"report_of": self.sources.report}),
            (url_path_join(self.server_url, r"/approvals/([A-Za-z0-9._-]+)"), ApprovalHandler, {"inbox": self.inbox}),
            (url_path_join(self.server_url, r"/metrics"), MetricsHandler, {"exposition": self.sources.metrics}),
        ]
        return [*ours, *handlers]

    def listen(self) -> None:
        self.ioloop = tornado.ioloop.IOLoop.current()
        self.server = tornado.httpserver.HTTPServer(self.app)
        self.server.add_socket(self.socket)
        signal.signal(signal.SIGINT, self._handle_signal_stop)
        self.ready()
        try:
            self.ioloop.start()
        finally:
            self.server.stop()
            self.ioloop.run_sync(lambda: self.kernel_manager.shutdown_all(now=True))
            self.stop()


def serve(
    settings: PortalSettings,
    door: Door,
    address: Address,
    sources: Sources,
    inbox: Inbox,
    ready: Callable[[str], None],
) -> None:
    """Serve until SIGINT or SIGTERM; then the kernels are gone too. `ready` is told the address to open."""
    taken = listening(address)
    port = taken.getsockname()[1]
    os.environ.update(serving_environment(os.environ))
    for name in list(os.environ):  # kernels inherit the environment; who comes in is not their business
        if name.upper().startswith(_SECRET):
            del os.environ[name]
    query = f"?token={door.token}" if door.token and door.told else ""
    server = PortalServer(
        config=_config(settings, door, port),
        notebook_path=str(NOTEBOOK),
        config_file_paths=[],
        log_level=logging.WARNING,
        open_browser=False,
    )
    server.socket = taken
    server.sources = sources
    server.inbox = inbox
    server.ready = lambda: ready(f"http://{shown_host(settings.host)}:{port}/{query}")
    server.initialize([])
    server.start()


def shown_host(host: str) -> str:
    if host in {"", "0.0.0.0", "::"}:
        return socket.gethostname()
    return f"[{host}]" if ":" in host else host


def _config(settings: PortalSettings, door: Door, port: int) -> Config:
    loopback = is_loopback(settings.host)
    return Config(
        Voila={
            "ip": settings.host,
            "port": port,
            "token": door.token,
            "identity_provider_class": PortalIdentity,
            "authorizer_class": PortalAuthorizer,
            "tornado_settings": {
                "allow_unauthenticated_access": False,
                # On loopback only names of loopback are answered: a page elsewhere cannot get in by naming itself so.
                "allow_remote_access": not loopback,
                "compress_response": not loopback,
            },
        },
        PortalIdentity={"hashed_password": door.password, "answers_as": door.answers_as, "people": dict(door.people)},
        VoilaConfiguration={
            "template": "autodevops-portal",
            "preheat_kernel": False,  # such a kernel would be started with the request of the visitor before
            "progressive_rendering": True,
            "allow_template_override": "NO",
            "allow_theme_override": "NO",
            "extension_allowlist": list(VOILA_EXTENSIONS),
            "multi_kernel_manager_class": VisitorKernels,
        },
        VisitorKernels={
            "limit": settings.max_kernels,
            "cull_idle_timeout": int(settings.idle_minutes * 60),
            "cull_interval": CULL_EVERY_SECONDS,
            "cull_connected": True,
        },
    )
