"""Language models, behind one small seam. Nothing depends on one being there.

`chat_model(settings)` gives the configured model or None; `ScriptedModel` is the public double.
"""

from __future__ import annotations

from autodevops.llm.ollama import OllamaModel
from autodevops.llm.protocol import ChatModel, Finished, Message, ModelCard, Part, ToolCall
from autodevops.llm.scripted import ScriptedModel
from autodevops.settings.model import OllamaSettings

__all__ = [
    "ChatModel",
    "Finished",
    "Message",
    "ModelCard",
    "OllamaModel",
    "Part",
    "ScriptedModel",
    "ToolCall",
    "chat_model",
]


def chat_model(settings: OllamaSettings) -> ChatModel | None:
    """The model that settings name, or None when none is configured."""
    return OllamaModel(settings) if settings.url else None
