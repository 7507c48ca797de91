"""The client side of MCP, and the wrappers around it. Nobody here knows what is behind a tool."""

from autodevops.toolbox.breaker import CircuitBreaker, CircuitOpen
from autodevops.toolbox.cached import Cached
from autodevops.toolbox.client import McpToolbox
from autodevops.toolbox.config import load_mcp_config
from autodevops.toolbox.limited import Limited
from autodevops.toolbox.protocol import Emit, EvidenceSource, ToolAnswer, Tools, ToolSpec
from autodevops.toolbox.read_only import ReadOnly
from autodevops.toolbox.recorder import Recorder
from autodevops.toolbox.redacted import Redacted
from autodevops.toolbox.retried import Retried
from autodevops.toolbox.timeout import Timeout

__all__ = [
    "Cached",
    "CircuitBreaker",
    "CircuitOpen",
    "Emit",
    "EvidenceSource",
    "Limited",
    "McpToolbox",
    "ReadOnly",
    "Recorder",
    "Redacted",
    "Retried",
    "Timeout",
    "ToolAnswer",
    "ToolSpec",
    "Tools",
    "load_mcp_config",
]
