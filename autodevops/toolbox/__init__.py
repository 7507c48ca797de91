"""The client side of MCP, and the wrappers around it. Nobody here knows what is behind a tool."""

from autodevops.toolbox.client import McpToolbox
from autodevops.toolbox.config import load_mcp_config
from autodevops.toolbox.protocol import Emit, EvidenceSource, ToolAnswer, Tools, ToolSpec
from autodevops.toolbox.read_only import ReadOnly
from autodevops.toolbox.recorder import Recorder
from autodevops.toolbox.timeout import Timeout

__all__ = [
    "Emit",
    "EvidenceSource",
    "McpToolbox",
    "ReadOnly",
    "Recorder",
    "Timeout",
    "ToolAnswer",
    "ToolSpec",
    "Tools",
    "load_mcp_config",
]
