"""Settings: autodevops.toml, then environment `AUTODEVOPS_*`, then flags; later ones win.

One section per integration. A system without an address is simply not configured: its tools answer that, with
the setting to set, and an investigation goes on without it.
"""

from autodevops.settings.model import (
    AlertmanagerSettings,
    ChannelSettings,
    ExecutorSettings,
    GitHubSettings,
    InvestigationSettings,
    KubernetesSettings,
    LearningSettings,
    LedgerSettings,
    LokiSettings,
    McpServerSettings,
    MemorySettings,
    OllamaSettings,
    PortalSettings,
    PrometheusSettings,
    RunsSettings,
    ScarletSettings,
    SecretPlaces,
    Settings,
    TempoSettings,
    ToolboxSettings,
    WatchSettings,
    WatchSource,
    WebhookSettings,
    load_settings,
)

__all__ = [
    "AlertmanagerSettings",
    "ChannelSettings",
    "ExecutorSettings",
    "GitHubSettings",
    "InvestigationSettings",
    "KubernetesSettings",
    "LearningSettings",
    "LedgerSettings",
    "LokiSettings",
    "McpServerSettings",
    "MemorySettings",
    "OllamaSettings",
    "PortalSettings",
    "PrometheusSettings",
    "RunsSettings",
    "ScarletSettings",
    "SecretPlaces",
    "Settings",
    "TempoSettings",
    "ToolboxSettings",
    "WatchSettings",
    "WatchSource",
    "WebhookSettings",
    "load_settings",
]
