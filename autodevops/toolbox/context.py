"""Where a question is asked when it does not say."""

from __future__ import annotations

from autodevops.kernel.errors import ToolError, ToolNotFound
from autodevops.toolbox.protocol import Tools


async def context_namespace(tools: Tools) -> str:
    """The namespace of the kubeconfig's context, else `default`; none where no cluster is set up."""
    try:
        answer = await tools.call("kubernetes.get_context", {})
    except ToolNotFound:
        return ""
    except ToolError:
        return "default"
    return str(answer.data.get("namespace") or "default") if isinstance(answer.data, dict) else "default"
