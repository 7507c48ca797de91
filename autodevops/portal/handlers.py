"""What the portal's server answers beside Voila's own files: the page, reports of runs, approvals, metrics."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode

from jupyter_server.auth.decorator import authorized
from jupyter_server.base.handlers import JupyterHandler
from tornado.web import HTTPError, authenticated
from voila.tornado.handler import TornadoVoilaHandler

from autodevops.kernel.errors import AutoDevOpsError, UsageError
from autodevops.portal.identity import APPROVALS, PORTAL, PortalIdentity
from autodevops.portal.kernels import NoKernelLeft
from autodevops.portal.pages import LOGIN_POLICY, error_page, full_page

if TYPE_CHECKING:
    from autodevops.domain.shown_operation import ShownOperation
    from autodevops.portal.inbox import Inbox

# Voila's page has scripts of its own in it and loads widgets as blobs; nothing comes from, or goes to, another host.
PAGE_POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:; style-src 'self' 'unsafe-inline' blob:;"
    " img-src 'self' data: blob:; font-src 'self' data:; worker-src 'self' blob:; frame-src 'self'; object-src 'none';"
    " base-uri 'self'; form-action 'self'; frame-ancestors 'self'"
)
# A report is made from outputs of notebooks: whatever got into it, it runs nothing, loads nothing, and is nobody here.
REPORT_POLICY = (
    "default-src 'none'; script-src 'none'; style-src 'unsafe-inline'; img-src data:; font-src data:; base-uri 'none';"
    " form-action 'none'; frame-ancestors 'self'; sandbox"
)
RETRY_SECONDS = 60
METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class PageHandler(TornadoVoilaHandler):  # type: ignore[misc]  # no types published
    """The portal's page, with a kernel of its own."""

    auth_resource = PORTAL

    @property
    def content_security_policy(self) -> str:
        return PAGE_POLICY

    @authenticated
    @authorized
    async def get(self, path: str | None = None) -> None:
        if path:
            raise HTTPError(404)
        if "token" in self.request.query_arguments:
            # It is in the cookie now. Neither history, nor a kernel's environment, nor a copied link has to know it.
            kept = [pair for pair in parse_qsl(self.request.query, keep_blank_values=True) if pair[0] != "token"]
            self.redirect(self.base_url + (f"?{urlencode(kept)}" if kept else ""))
            return
        self.xsrf_form_html()  # sets the cookie that the page sends back when it ends its kernel
        try:
            async for html in self.get_generator():
                self.write(html)
                await self.flush()
        except NoKernelLeft as error:
            self.set_status(503)
            self.set_header("Retry-After", str(RETRY_SECONDS))
            self.set_header("Content-Security-Policy", LOGIN_POLICY)
            self.finish(full_page(error.limit))


class PortalHandler(JupyterHandler):
    auth_resource = PORTAL
    policy = LOGIN_POLICY

    @property
    def content_security_policy(self) -> str:
        return self.policy

    def in_thread(self, function: Callable[..., Any], *args: object) -> Any:
        return asyncio.get_running_loop().run_in_executor(None, function, *args)


class ReportHandler(PortalHandler):
    """The HTML report of one run; with `?download=1` as a file, whose charts then work."""

    policy = REPORT_POLICY

    def initialize(self, report_of: Callable[[str], tuple[str, bytes]]) -> None:
        self.report_of = report_of

    @authenticated
    @authorized
    async def get(self, run_id: str) -> None:
        try:
            name, page = await self.in_thread(self.report_of, run_id)
        except AutoDevOpsError as error:
            self.set_status(404 if isinstance(error, UsageError) else 502)
            self.finish(error_page("Not here", error.message, error.next_step, framed=True))
            return
        self.set_header("Content-Type", "text/html; charset=utf-8")
        self.set_header("X-Content-Type-Options", "nosniff")
        self.set_header("Cache-Control", "private, no-cache")
        if self.get_argument("download", ""):
            self.set_header("Content-Disposition", f'attachment; filename="{name}.html"')
        self.finish(page)


class ApprovalHandler(PortalHandler):
    """One question of the executor, and a visitor's answer to it. Who answers is who the server knows the visitor to
    be; neither the page nor a kernel can say."""

    auth_resource = APPROVALS

    def initialize(self, inbox: Inbox) -> None:
        self.inbox = inbox

    def get_login_url(self) -> str:
        raise HTTPError(403)  # asked for by a script, which follows no login page

    @authenticated
    @authorized
    async def get(self, operation_id: str) -> None:
        await self._tell(self.inbox.look, operation_id)

    @authenticated
    @authorized
    async def post(self, operation_id: str) -> None:
        from autodevops.portal.inbox import read_answer

        by = self._visitor()

        def answer() -> ShownOperation:
            if not by:
                raise UsageError(
                    "The portal does not know who you are, so nobody can answer here.",
                    "Whoever runs it can name people with portal.people, or one with portal.answers_as.",
                )
            given, where = read_answer(self.request.body), f"portal from {self.request.remote_ip}"
            return self.inbox.answer(operation_id, given, by=by, where=where)

        await self._tell(answer)

    async def _tell(self, function: Callable[..., ShownOperation], *args: object) -> None:
        self.set_header("Cache-Control", "no-store")
        try:
            found = await self.in_thread(function, *args)
        except AutoDevOpsError as error:
            self.set_status(409 if isinstance(error, UsageError) else 502)
            self.finish({"error": {"message": error.message, "next_step": error.next_step}})
            return
        self.finish({"operation": found.model_dump(mode="json"), "visitor": self._visitor()})

    def _visitor(self) -> str:
        provider = self.identity_provider
        return provider.visitor(self.current_user) if isinstance(provider, PortalIdentity) else ""


class Guarded(JupyterHandler):
    """Goes before a handler of files, which asks nobody who they are."""

    async def prepare(self) -> None:  # type: ignore[override]
        await super().prepare()
        if self.current_user is None:
            raise HTTPError(403)


class MetricsHandler(PortalHandler):
    """For Prometheus: `authorization: {credentials: <token>}` in its scrape configuration."""

    def initialize(self, exposition: Callable[[], str]) -> None:
        self.exposition = exposition

    def get_login_url(self) -> str:
        raise HTTPError(403)  # a scraper follows no login page

    @authenticated
    @authorized
    async def get(self) -> None:
        try:
            text = await self.in_thread(self.exposition)
        except AutoDevOpsError as error:
            raise HTTPError(503, str(error)) from error
        self.set_header("Content-Type", METRICS_TYPE)
        self.finish(text)
