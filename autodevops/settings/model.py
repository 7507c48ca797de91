"""The settings themselves, and how they are read."""

from __future__ import annotations

import difflib
import json
import os
import re
import tomllib
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)
from pydantic_settings import SettingsError as UnreadableVariable

from autodevops.domain.hours import Hours
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


def _tenants(value: str) -> str:
    """Loki, Tempo and Mimir take letters, digits and !-_.*'() in an id, and several ids joined with |."""
    for name in value.split("|") if value else ():
        if not re.fullmatch(r"[A-Za-z0-9!\-_.*'()]{1,150}", name) or name in (".", ".."):
            raise ValueError(f"{name!r} is not a tenant id; several are written a|b")
    return value


def _paths(value: object) -> object:
    return _names(str(value) if isinstance(value, Path) else value)


def _place(value: object) -> object:
    """A folder or a URL as text."""
    return str(value) if isinstance(value, Path) else value


def _time_zone(value: str) -> str:
    from zoneinfo import ZoneInfo

    try:
        return ZoneInfo(value).key if value else ""
    except (KeyError, ValueError, OSError):
        raise ValueError(f"{value!r} is no time zone; write it as Europe/Berlin or UTC") from None


HttpUrl = Annotated[str, AfterValidator(_http_url)]
TimeZone = Annotated[str, AfterValidator(_time_zone)]
TenantIds = Annotated[str, AfterValidator(_tenants)]
NameList = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_names)]
PathList = Annotated[tuple[Path, ...], NoDecode, BeforeValidator(_paths)]
SecretList = Annotated[tuple[SecretStr, ...], NoDecode, BeforeValidator(_names)]


class Section(BaseModel):
    """What a field means stands below it, for readers and for docs/generate.py: pydantic would read this file at each
    start."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class HttpSystem(Section):
    """A system reached over HTTP. An empty `url` means: not configured."""

    url: HttpUrl = ""
    """Base address, for example http://127.0.0.1:9090; empty: not configured."""
    token: SecretStr = SecretStr("")
    """Sent as `Authorization: Bearer ...`."""
    token_file: Path | None = None
    """File with the token instead, read again whenever it changes."""
    username: str = ""
    """With `password`: basic authentication."""
    password: SecretStr = SecretStr("")
    """With `username`: basic authentication."""
    headers: dict[str, SecretStr] = {}
    """Headers sent with every request."""
    ca_file: Path | None = None
    """PEM file of the certificate authority to trust, for a server with its own."""
    cert_file: Path | None = None
    """PEM file of the client certificate, for a server that asks for one; read again when it changes."""
    key_file: Path | None = None
    """PEM file of the client certificate's private key; empty: it is in `cert_file`."""
    timeout_seconds: float = Field(default=10.0, gt=0)
    """How long one request may take."""

    @field_validator("token_file")
    @classmethod
    def _one_token(cls, value: Path | None, info: ValidationInfo) -> Path | None:
        token = info.data.get("token")
        if value is not None and token is not None and token.get_secret_value():
            raise ValueError("token is set as well; give one of them")
        return value

    @field_validator("key_file")
    @classmethod
    def _key_of_a_certificate(cls, value: Path | None, info: ValidationInfo) -> Path | None:
        if value is not None and info.data.get("cert_file") is None:
            raise ValueError("a key needs its certificate in cert_file")
        return value


class TenantSystem(HttpSystem):
    """A system that may keep several tenants apart."""

    tenant: TenantIds = ""
    """Sent as X-Scope-OrgID; several tenants: a|b."""


class KubernetesSettings(Section):
    kubeconfig: Path | None = None
    """Default: the environment's KUBECONFIG, then ~/.kube/config, then the in-cluster service account."""
    context: str = ""
    """Context of the kubeconfig; empty: its current one."""
    as_user: str = ""
    """Ask in the name of this user (impersonation); empty: as oneself, or as the kubeconfig's `as` says."""
    as_groups: NameList = ()
    """With `as_user`: the groups to ask as."""
    allow_writes: bool = False
    """Offer the tools that change the cluster; off: only those that read."""
    timeout_seconds: float = Field(default=10.0, gt=0)
    """How long one request may take."""


class PrometheusSettings(TenantSystem):
    pass


class AlertmanagerSettings(TenantSystem):
    allow_writes: bool = False
    """Offer the tools that make and end silences."""


class LokiSettings(TenantSystem):
    pass


class TempoSettings(TenantSystem):
    pass


class GitHubSettings(HttpSystem):
    url: HttpUrl = "https://api.github.com"
    """REST base; https://HOST/api/v3 for GitHub Enterprise."""
    repositories: NameList = ()
    """`owner/name, ...` where commits and pull requests are looked for; empty: not configured."""
    allow_writes: bool = False
    """Offer the tools that open issues and write comments."""


class OllamaSettings(Section):
    url: HttpUrl = ""
    """For example http://127.0.0.1:11434; empty: the built-in narrator writes the answers."""
    model: str = ""
    """Empty: the first model the server has."""
    timeout_seconds: float = Field(default=60.0, gt=0)
    """How long one answer of the model may take before the built-in narrator takes over."""
    first_token_seconds: float = Field(default=30.0, gt=0)
    """How long to wait for its first word: a model is loaded when it is first asked."""
    keep_alive: str = "10m"
    """How long the server keeps the model in memory: 10m, 1h30m, seconds, -1 for ever; empty: as long as it likes."""
    num_ctx: int = Field(default=8192, ge=2048, le=1_048_576)
    """Context to ask for, in tokens, where the model has as much; more costs the server memory."""
    tools: bool = True
    """Let a model that can call tools look further by itself, with the tools that only read."""
    tool_rounds: int = Field(default=3, ge=0, le=10)
    """How often it may ask for tools before it has to answer; 0: never."""
    intent_seconds: float = Field(default=3.0, ge=0)
    """How long it may take to say what a question wants that no pattern understands; 0: it is not asked."""

    @field_validator("keep_alive")
    @classmethod
    def _duration(cls, value: str) -> str:
        if not re.fullmatch(r"|-?\d+(\.\d+)?|-?(\d+(\.\d+)?(ms|s|m|h))+", value):
            raise ValueError("a duration is written 10m, 1h30m or 90s; a bare number is seconds; -1 means for ever")
        return value


class McpServerSettings(Section):
    """How our own MCP servers are offered over HTTP (`autodevops mcp serve NAME --transport http`)."""

    tokens: SecretList = ()
    """Bearer tokens of which a client must send one; empty: none is asked for, and only loopback is served."""
    token_file: Path | None = None
    """File with more of them, one a line."""
    allowed_hosts: NameList = ()
    """Host headers to accept besides loopback's and the address listened on, e.g. `mcp.example.org`."""
    allowed_origins: NameList = ()
    """Origin headers to accept besides those of the hosts, e.g. `https://inspector.example.org`."""
    tls_cert: Path | None = None
    """PEM file of the certificate to serve https with."""
    tls_key: Path | None = None
    """PEM file of its key."""


class InvestigationSettings(Section):
    namespace: str = ""
    """Asked about when a question names none; empty: the kubeconfig context's."""
    window_minutes: int = Field(default=60, gt=0, le=7 * 24 * 60)
    """How far to look back when a question does not say."""
    time_zone: TimeZone = ""
    """In which times are read and told, e.g. Europe/Berlin; empty: that of the variable TZ, else UTC."""
    tool_timeout_seconds: float = Field(default=15.0, gt=0)
    """How long one tool call may take before the investigation goes on without it; longer than the systems' own."""


class JamieSettings(Section):
    persona: Literal["off", "light", "full"] = "light"
    """How much of a British DevOps mate Jamie is: a sentence after an answer, never in JSON or at a grave incident."""
    record_questions: bool = False
    """Keep the text of each question, masked, with the turn's times in the ledger; off: only what kind it was."""


class ToolboxSettings(Section):
    servers: Path | None = None
    """An `mcpServers` JSON file with more MCP servers, as other clients write it."""
    redact: bool = True
    """Mask secrets in all that servers say, before anything is shown, stored or given to a model."""
    redaction_salt: SecretStr = SecretStr("")
    """Mixed into the marks of masked values, so that they cannot be compared with guesses."""
    cache_seconds: float = Field(default=15.0, ge=0)
    """How long an answer is given again to the same question, marked with its age; 0: never."""
    calls_at_once: int = Field(default=8, gt=0)
    """Calls running on one server at a time; the rest wait."""
    retries: int = Field(default=1, ge=0, le=5)
    """How often a reading call is repeated when its server did not answer this time; 0: never."""
    breaker_failures: int = Field(default=5, ge=0)
    """A system that did not answer so many calls in a row is left alone for a while; 0: never."""
    breaker_seconds: float = Field(default=30.0, gt=0)
    """For how long, before one call tries it again."""


class ScarletSettings(Section):
    schedules: Path = Path("scheduled")
    """Folder of schedule files."""
    runbooks: PathList = (Path("runbooks"),)
    """Folders of runbook notebooks; several are a list, or separated by commas."""
    packaged_runbooks: bool = True
    """Whether the runbooks of installed packages, ours first, are offered beside those of the folders."""
    artifacts: Annotated[str, BeforeValidator(_place)] = "scheduled/artifacts"
    """Where executed runbooks are kept: a folder, or a URL such as `s3://bucket/prefix` ([bundles](../bundles.md))."""
    staging: Path = Path("scheduled/artifacts")
    """While `artifacts` is a URL: the folder of runs that are going on or could not be sent there yet."""
    keep_days: float = Field(default=30, ge=0)
    """How long `autodevops run gc` leaves a run, in days from its end."""
    keep_failed_days: float = Field(default=90, ge=0)
    """How long one that did not succeed."""
    keep_incident_days: float = Field(default=365, ge=0)
    """How long one that an alert or an event called for."""
    keep_last: int = Field(default=10, ge=0)
    """So many finished runs of each runbook are left, however old."""
    respond: bool = True
    """Whether `autodevops scarlet run` looks for trouble and responds to it, beside running schedules."""
    group_seconds: float = Field(default=30, ge=0)
    """How long what is noticed waits for what belongs to it, before its cause is looked for."""
    looks: int = Field(default=3, ge=1)
    """So many investigations may leave the cause open before people are asked to look."""
    attempts: int = Field(default=2, ge=0)
    """So many actions are tried on one incident before people are asked to look."""
    recovery_minutes: float = Field(default=10, gt=0)
    """How long what was noticed may last after an action that helped by its own checks."""
    lease: str = "autodevops-scarlet"
    """Name of the Lease that one daemon of a cluster holds, where `kubernetes.allow_writes` is on; empty: none."""
    lease_namespace: str = "default"
    """Its namespace, the same for all daemons of the cluster."""
    documents: bool = True
    """Whether incidents that are left to people, or are over, get an executed notebook."""

    @property
    def artifacts_folder(self) -> Path:
        """The folder of this machine that runs are written to."""
        scheme, url, path = self.artifacts.partition("://")
        if not url:
            return Path(self.artifacts)
        return Path(path) if scheme == "file" else self.staging


class ChannelSettings(Section):
    """A way to tell people: `[channels.NAME]`, as schedules name them."""

    slack_webhook: SecretStr = SecretStr("")
    """Address of a Slack incoming webhook."""
    url: HttpUrl = ""
    """Address that JSON is posted to: `text`, and what it is about."""
    token: SecretStr = SecretStr("")
    """Sent to `url` as `Authorization: Bearer ...`."""

    @model_validator(mode="after")
    def _some_way(self) -> Self:
        if not self.url and not self.slack_webhook.get_secret_value():
            raise ValueError("a channel needs slack_webhook or url")
        return self


class WebhookSettings(Section):
    """Where `autodevops scarlet run` hears `POST /hooks/NAME`, for schedules that wait for a webhook."""

    host: str = "127.0.0.1"
    """Address to listen on; beyond loopback only with a token."""
    port: int = Field(default=8877, ge=0, le=65535)
    """Port to listen on; 0: any that is free."""
    token: SecretStr = SecretStr("")
    """What callers must send as `Authorization: Bearer ...`."""


class LedgerSettings(Section):
    folder: Path | None = None
    """Folder of the ledger; empty: `autodevops/ledger` in the user's folder for state (~/.local/state on Linux)."""
    keep_events: int = Field(default=10_000, ge=0)
    """How many of the newest events compaction leaves in the database."""
    signing_key_file: Path | None = None
    """PEM file of an Ed25519 private key that signs segments and heads; `autodevops audit keygen` makes one."""
    public_key_file: Path | None = None
    """PEM file of its public key; with it `autodevops audit verify` asks for signatures."""


class MemorySettings(Section):
    """What Jamie remembers: the handbook, what was added to it, past incidents, conversations, feedback."""

    folder: Path | None = None
    """Folder of the memory; empty: `autodevops/memory` in the user's folder for state (~/.local/state on Linux)."""
    remember: bool = True
    """Keep conversations and incidents after the session; off: only what `autodevops kb add` is told to."""
    keep_days: int = Field(default=90, gt=0)
    """How long conversations, incidents and feedback are kept; what was added by `kb add` stays."""
    max_megabytes: int = Field(default=500, gt=0)
    """How large the folder may become: then the oldest conversations go, and `kb add` takes no more."""
    embedding_model: str = ""
    """An embedding model of the Ollama server, e.g. `nomic-embed-text`; empty: only the embedding that ships."""


class RunsSettings(Section):
    """How runbooks are run."""

    at_once: int = Field(default=4, ge=1, le=64)
    """Runs going on at a time; the rest wait."""
    warm_kernels: int = Field(default=1, ge=0, le=16)
    """Kernels that wait for Scarlet's next runs, 30 MB each beside one process of 130 MB; 0: each run starts one."""
    redact: bool = True
    """Mask what looks like a secret in all that is kept of a run; what a runbook names in `secrets` always is."""


class PortalSettings(Section):
    """`autodevops portal`: the page that is served to people."""

    host: str = "127.0.0.1"
    """Address to listen on; any other than loopback wants a token or a password."""
    port: int = Field(default=8866, ge=0, le=65535)
    """Port to listen on; another one is taken when it is busy, unless --port asks for it."""
    token: SecretStr = SecretStr("")
    """What people and Prometheus come in with; empty, without a password: a new one at each start."""
    password_file: Path | None = None
    """File with the password of the login page, as text or as the hash that Jupyter makes of it."""
    answers_as: str = ""
    """Who the executor takes visitors for, as `executor.approvers` names them: whoever has the token or the password
    is this person. Empty: nobody answers here, or, with the token made at each start, whoever started the portal."""
    people: dict[str, SecretStr] = {}
    """Several people, each with a token of their own: `alice = "<16 characters or more>"`, or `"sha256:<hex of it>"`.
    The executor takes whoever comes in with one for that person."""
    max_kernels: int = Field(default=8, ge=1, le=500)
    """Pages that may be open at a time, some 200 MB each; who comes then is told that the portal is full."""
    idle_minutes: float = Field(default=30.0, gt=0)
    """A page that asked nothing for so long, a hidden one, loses its kernel and says so when it is looked at again."""

    @field_validator("people")
    @classmethod
    def _one_token_each(cls, value: dict[str, SecretStr]) -> dict[str, SecretStr]:
        tokens = [one.get_secret_value() for one in value.values()]
        if any(len(token) < 16 for token in tokens):
            raise ValueError("a token has fewer than 16 characters; make one with `openssl rand -hex 16`")
        if len(set(tokens)) < len(tokens):
            raise ValueError("two people have the same token")
        return value


Verdict = Literal["act", "seek_approval", "escalate"]
HourList = Annotated[tuple[Hours, ...], NoDecode, BeforeValidator(_names)]


class ExecutorSettings(Section):
    """What may be changed, by whom, and how much at a time ([executor](../executor.md)); the systems' `allow_writes`
    is asked besides."""

    dry_run: bool = False
    """Plan, check and decide, but never apply."""
    stop_file: Path | None = None
    """While this file exists, nothing is changed; empty: `autodevops/stop` in the user's folder for state."""
    approvers: NameList = ()
    """Who may say yes: user names as the system knows them, `alice, bob`; empty: nobody."""
    high_risk_approvers: NameList = ()
    """Who may say yes to what is of high risk; empty: the same."""
    approvals_for_high_risk: int = Field(default=2, ge=1)
    """So many of them have to. Where it is more than one, who asked for it is not counted."""
    approval_minutes: float = Field(default=30, gt=0)
    """How long a question stays open before it is escalated, and how long a yes is good for."""
    escalate_to: NameList = ()
    """Channels that are told when nobody answered in time, or what was done needs a person to look."""
    autonomy: Literal["observe", "ask", "act", "graduated"] = "graduated"
    """What machines may do with an action: write down what they would do, ask, act. graduated: each in turn, as
    successes come."""
    autonomy_by_kind: dict[str, Literal["observe", "ask", "act", "graduated"]] = {}
    """The same for one kind of action: `restart_workload = "act"`."""
    promote_after: int = Field(default=5, ge=1)
    """Graduated: so many verified successes in a row, asked for or approved by people, lead to the next step."""
    matrix: dict[Literal["high", "medium", "low"], dict[Literal["low", "medium", "high"], Verdict]] = {
        "high": {"low": "act", "medium": "seek_approval", "high": "escalate"},
        "medium": {"low": "seek_approval", "medium": "seek_approval", "high": "escalate"},
        "low": {"low": "escalate", "medium": "escalate", "high": "escalate"},
    }
    """What machines do, by confidence and then by risk. What is not given stays as it is."""
    high_confidence_from: float = Field(default=0.8, ge=0, le=1)
    """Confidence counts as high from here on."""
    medium_confidence_from: float = Field(default=0.5, ge=0, le=1)
    """And as medium from here on."""
    namespaces: NameList = ("*",)
    """Where something may be changed; names may end in `*`."""
    protected_namespaces: NameList = ("kube-*",)
    """Where nothing may, whatever `namespaces` says."""
    kinds: NameList = ("*",)
    """Kinds of actions that may be done; `autodevops act list` shows them."""
    actions_per_hour: int = Field(default=10, ge=0)
    """In the last sixty minutes, by anybody."""
    pods_away_percent: int = Field(default=50, ge=0, le=100)
    """Of a workload's pods, those that may be missing at one moment."""
    workloads_per_namespace: int = Field(default=3, ge=0)
    """Different workloads of one namespace touched within an hour."""
    nodes_at_a_time: int = Field(default=1, ge=0)
    """Nodes with an action under way."""
    cooldown_minutes: float = Field(default=10, ge=0)
    """Between two actions on one subject."""
    freeze: HourList = ()
    """When nothing is changed: `Fri 15:00-23:59, 2026-12-20T00:00Z/2027-01-02T00:00Z`."""
    busy_hours: HourList = ()
    """When a change is riskier than otherwise: `Mon-Fri 09:00-18:00`. Hours are in `investigation.time_zone`."""
    settle_seconds: float = Field(default=600, gt=0)
    """How long a change may take until it is complete, such as a rollout."""
    verify_seconds: float = Field(default=180, ge=0)
    """How long its effect may take to show after that."""
    poll_seconds: float = Field(default=2, gt=0)
    """Between two looks at how far it is."""
    lease_seconds: float = Field(default=60, ge=30)
    """How long an executor that is not heard of keeps what it has in hand; longer than any request may take."""

    def autonomy_of(self, kind: str) -> Literal["observe", "ask", "act", "graduated"]:
        return self.autonomy_by_kind.get(kind, self.autonomy)

    @field_validator("matrix", mode="before")
    @classmethod
    def _over_the_default(cls, value: object) -> object:
        if not isinstance(value, dict):
            return value
        default: dict[str, dict[str, str]] = cls.model_fields["matrix"].default
        return {**value, **{band: {**row, **(value.get(band) or {})} for band, row in default.items()}}


WatchSource = Literal["alerts", "objects", "metrics", "slo", "logs", "traces", "predictions"]
SourceList = Annotated[tuple[WatchSource, ...], NoDecode, BeforeValidator(_names)]


class WatchSettings(Section):
    """What Scarlet watches, and whose trouble she leaves alone ([watching](../watching.md))."""

    sources: SourceList = ("alerts", "objects", "metrics", "slo", "logs", "traces", "predictions")
    """Where she looks: alerts that others defined, the cluster's objects, what workloads are asked, fail and take, how
    fast error budgets are spent, lines that tell of errors, where metrics do not, traces, and what runs out soon."""
    namespaces: NameList = ("*",)
    """Whose signals count; names may have a `*`. What belongs to no namespace, such as a node, always does; what runs
    beside Kubernetes has the empty name, which `*` fits and the list `["shop", ""]` has."""
    every_seconds: float = Field(default=30, gt=0)
    """Between two looks; an alert that is sent to her is looked at at once."""
    seconds: float = Field(default=15, gt=0)
    """How long one source may take, before a look goes on without it."""
    hook: str = "alertmanager"
    """The name under `/hooks/` where Alertmanager's webhook is heard; empty: nowhere."""
    objective: float = Field(default=99.5, gt=0, lt=100)
    """Percent of requests that should succeed, of a workload for which nothing else is said."""
    objectives: dict[str, Annotated[float, Field(gt=0, lt=100)]] = {}
    """The same for some: `"shop/checkout" = 99.9`; names may have a `*`, the first that fits counts."""
    latency_objectives: dict[str, tuple[Annotated[float, Field(gt=0)], Annotated[float, Field(gt=0, lt=100)]]] = {}
    """How many percent should be answered within how many seconds: `"shop/frontend" = [0.3, 99]`."""
    maintenance: dict[str, HourList] = {}
    """When trouble in a namespace is expected: `"shop-*" = "Sat 02:00-04:00"`; signals are then muted. Hours are in
    `investigation.time_zone`."""

    def watches(self, namespace: str, *, beside: bool = False) -> bool:
        """`beside`: of what runs beside Kubernetes."""
        of_cluster = not namespace and not beside
        return of_cluster or any(fnmatchcase(namespace, pattern) for pattern in self.namespaces)


class LearningSettings(Section):
    """What Scarlet takes for a pattern, what she foresees, and what her help is worth ([learning](../learning.md))."""

    recurring_times: int = Field(default=3, ge=2)
    """So many incidents with one cause are one that comes again,"""
    recurring_days: float = Field(default=30, gt=0)
    """within so many days."""
    together_times: int = Field(default=3, ge=2)
    """So often one cause must have followed another,"""
    together_minutes: float = Field(default=15, gt=0)
    """within so many minutes, and in at least half of the cases."""
    noise_days: float = Field(default=7, gt=0, le=90)
    """How far back alerts are looked at for those that tell people nothing."""
    foresee_hours: float = Field(default=24, gt=0)
    """What runs out within so many hours is a signal."""
    certificate_days: float = Field(default=14, ge=0)
    """A certificate that ends within so many days is one."""
    minutes_by_hand: float = Field(default=30, ge=0)
    """Assumed: a person's time for an incident that Scarlet ended alone; the estimate of the time saved is its product
    with their number."""


class SecretPlaces(BaseModel):
    """Where the secrets are that runbooks name: `NAME = "env:VARIABLE"`, `"file:/path"`,
    `"kubernetes:namespace/name/key"` or `"keyring:service/user"`. They are fetched when a run begins, and given to its
    kernel as environment variables."""

    model_config = ConfigDict(extra="allow", frozen=True)
    __pydantic_extra__: dict[str, str]

    @model_validator(mode="after")
    def _places(self) -> Self:
        for name, place in self.by_name.items():
            if not re.match(r"(?:env|file|kubernetes|keyring):.", place):
                raise ValueError(f"{name} is not env:..., file:..., kubernetes:... or keyring:...")
        return self

    @property
    def by_name(self) -> dict[str, str]:
        return dict(self.__pydantic_extra__)


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
    mcp_server: McpServerSettings = McpServerSettings()
    investigation: InvestigationSettings = InvestigationSettings()
    jamie: JamieSettings = JamieSettings()
    toolbox: ToolboxSettings = ToolboxSettings()
    scarlet: ScarletSettings = ScarletSettings()
    channels: dict[str, ChannelSettings] = {}
    webhook: WebhookSettings = WebhookSettings()
    ledger: LedgerSettings = LedgerSettings()
    memory: MemorySettings = MemorySettings()
    runs: RunsSettings = RunsSettings()
    portal: PortalSettings = PortalSettings()
    executor: ExecutorSettings = ExecutorSettings()
    watch: WatchSettings = WatchSettings()
    learning: LearningSettings = LearningSettings()
    secrets: SecretPlaces = SecretPlaces()

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
    if path != DEFAULT_FILE and not path.exists():
        raise SettingsError(
            f"The settings file {path} does not exist.", "Correct AUTODEVOPS_SETTINGS_FILE or unset it."
        )
    if path.is_dir():
        raise SettingsError(f"The settings file {path} is a folder.", "Put a file there, or move the folder away.")
    try:
        return Settings(**flags)
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{path} is not valid TOML: {error}.", "Correct that line and try again.") from error
    except UnicodeDecodeError as error:
        raise SettingsError(f"{path} is not text in UTF-8: {error}.", "Save it as UTF-8.") from error
    except OSError as error:
        raise SettingsError(
            f"{path} cannot be read: {error.strerror}.", "Check that it is a file you may read."
        ) from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        problem = first["msg"].removeprefix("Value error, ")
        if first["type"] == "extra_forbidden":
            problem = f"there is no such setting{_near(first['loc'])}"
        variable = "AUTODEVOPS_" + "__".join(str(part).upper() for part in first["loc"])
        raise SettingsError(
            f"Setting {where} is wrong: {problem} (given: {_shown(where, first.get('input'))}).",
            f"Correct it in {path} or in the environment as {variable}.",
        ) from error
    except UnreadableVariable as error:
        raise SettingsError(f"{error}.", "Lists and tables in AUTODEVOPS_* variables are written as JSON.") from error


def _near(place: tuple[int | str, ...]) -> str:
    """`; did you mean prometheus.url?` for a name that is close to one that exists."""
    *sections, last = (str(part) for part in place)
    fields = Settings.model_fields
    for section in sections:
        model = fields[section].annotation if section in fields else None
        fields = model.model_fields if isinstance(model, type) and issubclass(model, BaseModel) else {}
    close = difflib.get_close_matches(last, fields, n=1)
    return f"; did you mean {'.'.join([*sections, *close])}?" if close else ""


def _shown(where: str, value: object) -> str:
    if (
        where.endswith(("token", "password", "salt"))
        or ".tokens" in where
        or ".people" in where
        or ".headers." in where
        or where.startswith("secrets")
    ):
        return "<hidden>"
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."
