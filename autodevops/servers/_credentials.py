"""What our servers show a system to be let in: tokens, basic authentication, headers, tenants, certificates.

Files are read again when they change, because whoever issues short-lived tokens and certificates writes them anew
under a running server. Sends nothing; `_http` does.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterator, Mapping
from pathlib import Path

import httpx

from autodevops.kernel.errors import ToolDenied, ToolUnavailable
from autodevops.settings import AlertmanagerSettings, GitHubSettings, LokiSettings, PrometheusSettings, TempoSettings

HttpSettings = PrometheusSettings | AlertmanagerSettings | LokiSettings | TempoSettings | GitHubSettings
Stamp = tuple[int, int]  # of a file: ns of its last change, bytes


class Credentials:
    """One section's credentials. `section` is its name in autodevops.toml."""

    def __init__(self, name: str, section: str, settings: HttpSettings, headers: Mapping[str, str]) -> None:
        self._name = name
        self._prefix = f"AUTODEVOPS_{section.upper()}__"
        self._settings = settings
        self._fixed = {"User-Agent": "autodevops", "Accept": "application/json", **headers}
        if not isinstance(settings, GitHubSettings) and settings.tenant:
            self._fixed["X-Scope-OrgID"] = settings.tenant
        self._token = ""
        self._token_stamp: Stamp | None = None

    def headers(self) -> dict[str, str]:
        """Everything to send with the next request. Raises ToolDenied."""
        found = dict(self._fixed)
        token = self._current_token()
        if token:
            found["Authorization"] = f"Bearer {token}"
        elif self._settings.username:
            found["Authorization"] = self._basic()
        own = {name: value.get_secret_value() for name, value in self._settings.headers.items()}
        replaced = {name.lower() for name in own}
        found = {name: value for name, value in found.items() if name.lower() not in replaced} | own
        if not all(value.isascii() and value.isprintable() for value in found.values()):
            raise self.unsendable()
        return found

    def trust(self) -> ssl.SSLContext:
        """Whom to believe, and the certificate to show. Raises ToolUnavailable for a file that cannot be used."""
        settings = self._settings
        if settings.url.startswith("http://"):
            return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # trusts nobody, and spares 20 ms of reading certificates
        try:
            context = ssl.create_default_context(cafile=str(settings.ca_file) if settings.ca_file else None)
        except (OSError, ssl.SSLError) as error:
            raise self._unreadable("certificate", settings.ca_file, "CA_FILE", error) from error
        if settings.cert_file:
            try:
                context.load_cert_chain(settings.cert_file, settings.key_file)
            except (OSError, ssl.SSLError) as error:
                files = " with ".join(str(path) for path in (settings.cert_file, settings.key_file) if path)
                raise self._unreadable("client certificate", files, "CERT_FILE", error) from error
        return context

    def stamps(self) -> tuple[Stamp | None, ...]:
        """Changes when a certificate file does, so that the next connection is made with the new one."""
        settings = self._settings
        return tuple(_stamp(path) for path in (settings.ca_file, settings.cert_file, settings.key_file))

    def hide(self, text: str) -> str:
        """`text` without our credentials: a system may quote our request back."""
        for secret in self._secrets():
            text = text.replace(secret, "***")
        return text

    def unsendable(self) -> ToolDenied:
        return ToolDenied(
            f"The token or a header for {self._name} holds characters that HTTP does not allow.",
            f"Correct {self._prefix}TOKEN: one line, no spaces around it.",
        )

    def _current_token(self) -> str:
        path = self._settings.token_file
        if path is None:
            return self._settings.token.get_secret_value()
        stamp = _stamp(path)
        if stamp is None or stamp != self._token_stamp:
            try:
                self._token, self._token_stamp = path.read_text().strip(), stamp
            except (OSError, UnicodeDecodeError) as error:
                why = getattr(error, "strerror", None) or "it is not text"
                raise ToolDenied(
                    f"The token file {path} for {self._name} cannot be read: {why}.",
                    f"Correct {self._prefix}TOKEN_FILE.",
                ) from error
        return self._token

    def _basic(self) -> str:
        request = httpx.Request("GET", self._settings.url)
        flow = httpx.BasicAuth(self._settings.username, self._settings.password.get_secret_value()).auth_flow(request)
        return next(flow).headers["Authorization"]

    def _secrets(self) -> Iterator[str]:
        settings = self._settings
        for value in (settings.token, settings.password, *settings.headers.values()):
            if value.get_secret_value():
                yield value.get_secret_value()
        if self._token:
            yield self._token
        if settings.username:
            yield self._basic().removeprefix("Basic ")

    def _unreadable(self, what: str, path: object, setting: str, error: OSError) -> ToolUnavailable:
        return ToolUnavailable(
            f"The {what} file {path} for {self._name} cannot be read: {error.strerror or error}.",
            f"Correct {self._prefix}{setting}.",
        )


def _stamp(path: Path | None) -> Stamp | None:
    if path is None:
        return None
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size
