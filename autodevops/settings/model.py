"""The settings themselves, and how they are read."""

from __future__ import annotations

import json
import os
import tomllib
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, ValidationError
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)
from pydantic_settings import SettingsError as UnreadableVariable

from autodevops.kernel.errors import SettingsError

DEFAULT_FILE = Path("autodevops.toml")


def _http_url(value: str) -> str:
    if not value:
        return ""
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https"} or not parts.netloc:
        raise ValueError(f"{value!r} is not an http(s) address such as http://127.0.0.1:9090")
    return value.rstrip("/")


def _names(value: object) -> object:
    """`a, b` and `["a", "b"]` are the same list: the first survives a shell without quotes."""
    if not isinstance(value, str):
        return value
    if value.lstrip().startswith("["):
        return json.loads(value)
    return [name.strip() for name in value.split(",") if name.strip()]


HttpUrl = Annotated[str, AfterValidator(_http_url)]
NameList = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_names)]


class Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class HttpSystem(Section):
    """A system reached over HTTP. An empty `url` means: not configured."""

    url: HttpUrl = ""
    """Base address, for example http://127.0.0.1:9090; empty: not configured."""
    token: SecretStr = SecretStr("")
    """Sent as `Authorization: Bearer ...`."""
    username: str = ""
    """With `password`: basic authentication."""
    password: SecretStr = SecretStr("")
    """With `username`: basic authentication."""
    headers: dict[str, SecretStr] = {}
    """Headers sent with every request."""
    ca_file: Path | None = None
    """PEM file of the certificate authority to trust, for a server with its own."""
    timeout_seconds: float = Field(default=10.0, gt=0)
    """How long one request may take."""


class KubernetesSettings(Section):
    kubeconfig: Path | None = None
    """Default: the environment's KUBECONFIG, then ~/.kube/config, then the in-cluster service account."""
    context: str = ""
    """Context of the kubeconfig; empty: its current one."""
    timeout_seconds: float = Field(default=10.0, gt=0)
    """How long one request may take."""


class PrometheusSettings(HttpSystem):
    pass


class AlertmanagerSettings(HttpSystem):
    pass


class LokiSettings(HttpSystem):
    tenant: str = ""
    """Sent as X-Scope-OrgID."""


class TempoSettings(HttpSystem):
    tenant: str = ""
    """Sent as X-Scope-OrgID."""


class GitHubSettings(HttpSystem):
    url: HttpUrl = "https://api.github.com"
    """REST base; https://HOST/api/v3 for GitHub Enterprise."""
    repositories: NameList = ()
    """`owner/name, ...` where commits and pull requests are looked for; empty: not configured."""


class OllamaSettings(Section):
    url: HttpUrl = ""
    """For example http://127.0.0.1:11434; empty: the built-in narrator writes the answers."""
    model: str = ""
    """Empty: the first model the server has."""
    timeout_seconds: float = Field(default=60.0, gt=0)
    """How long the model may stay silent before the built-in narrator takes over."""


class InvestigationSettings(Section):
    namespace: str = ""
    """Asked about when a question names none; empty: the kubeconfig context's."""
    window_minutes: int = Field(default=60, gt=0, le=7 * 24 * 60)
    """How far to look back when a question does not say."""
    tool_timeout_seconds: float = Field(default=10.0, gt=0)
    """How long one tool call may take before the investigation goes on without it."""


class ScarletSettings(Section):
    schedules: Path = Path("scheduled")
    """Folder of schedule files."""
    runbooks: Path = Path("runbooks")
    """Folder of runbook notebooks."""
    artifacts: Path = Path("scheduled/artifacts")
    """Folder where executed runbooks are kept."""


class Settings(BaseSettings):
    model_config = SettingsConfigDict(
        env_prefix="AUTODEVOPS_",
        env_nested_delimiter="__",
        extra="forbid",
        frozen=True,
        nested_model_default_partial_update=True,
    )

    kubernetes: KubernetesSettings = KubernetesSettings()
    prometheus: PrometheusSettings = PrometheusSettings()
    alertmanager: AlertmanagerSettings = AlertmanagerSettings()
    loki: LokiSettings = LokiSettings()
    tempo: TempoSettings = TempoSettings()
    github: GitHubSettings = GitHubSettings()
    ollama: OllamaSettings = OllamaSettings()
    investigation: InvestigationSettings = InvestigationSettings()
    scarlet: ScarletSettings = ScarletSettings()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls, _settings_file())


def _settings_file() -> Path:
    return Path(os.environ.get("AUTODEVOPS_SETTINGS_FILE", DEFAULT_FILE))


def load_settings(**flags: Any) -> Settings:
    """Read settings from file, environment and `flags` (sections as dicts; later sources win).

    Raises SettingsError, naming the file or variable, the value and what is wrong with it.
    """
    path = _settings_file()
    if path != DEFAULT_FILE and not path.is_file():
        raise SettingsError(
            f"The settings file {path} does not exist.", "Correct AUTODEVOPS_SETTINGS_FILE or unset it."
        )
    try:
        return Settings(**flags)
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{path} is not valid TOML: {error}.", "Correct that line and try again.") from error
    except OSError as error:
        raise SettingsError(
            f"{path} cannot be read: {error.strerror}.", "Check that it is a file you may read."
        ) from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        problem = first["msg"].removeprefix("Value error, ")
        variable = "AUTODEVOPS_" + "__".join(str(part).upper() for part in first["loc"])
        raise SettingsError(
            f"Setting {where} is wrong: {problem} (given: {_shown(where, first.get('input'))}).",
            f"Correct it in {path} or in the environment as {variable}.",
        ) from error
    except UnreadableVariable as error:
        raise SettingsError(f"{error}.", "Lists and tables in AUTODEVOPS_* variables are written as JSON.") from error


def _shown(where: str, value: object) -> str:
    if where.endswith(("token", "password")) or ".headers." in where:
        return "<hidden>"
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."
