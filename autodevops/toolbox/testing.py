"""A toolbox that plays a script: for tests of everything that asks, ours and users'.

An answer is plain data, one of the tool result models (autodevops.domain.tool_results), an exception to raise,
or a function of the arguments (plain or async) that returns one of these. Every call is kept in `calls`.
"""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeAlias

from pydantic import BaseModel

from autodevops.domain.base import Json
from autodevops.kernel.errors import ToolRejected
from autodevops.toolbox.protocol import ToolAnswer, ToolSpec

Scripted: TypeAlias = Json | BaseModel | ToolAnswer | BaseException
Script: TypeAlias = Scripted | Callable[[Mapping[str, Json]], Scripted | Awaitable[Scripted]]


class ScriptedTools:
    """`Tools` in memory: `ScriptedTools({"prometheus.query_instant": {...}})`.

    A tool that is not in the script is rejected, as the real toolbox does. All tools are read-only but those
    named in `writing`.
    """

    def __init__(self, script: Mapping[str, Script | Any], *, writing: tuple[str, ...] = ()) -> None:
        self._script = dict(script)
        self._writing = frozenset(writing)
        self.calls: list[tuple[str, dict[str, Json]]] = []

    async def list_tools(self, server: str = "") -> tuple[ToolSpec, ...]:
        return tuple(
            ToolSpec(name=name, description="scripted", input_schema={}, read_only=name not in self._writing)
            for name in self._script
            if not server or name.startswith(f"{server}.")
        )

    async def call(self, tool: str, arguments: Mapping[str, Json]) -> ToolAnswer:
        self.calls.append((tool, dict(arguments)))
        if tool not in self._script:
            near = difflib.get_close_matches(tool, self._script, n=3)
            hint = f"Did you mean {', '.join(near)}?" if near else "Add it to the script."
            raise ToolRejected(f"There is no tool {tool}.", hint)
        step = self._script[tool]
        if callable(step):
            step = step(dict(arguments))
            if inspect.isawaitable(step):
                step = await step
        if isinstance(step, BaseException):
            raise step
        return _answer(step)


def _answer(step: Any) -> ToolAnswer:
    if isinstance(step, ToolAnswer):
        return step
    data = step.model_dump(mode="json") if isinstance(step, BaseModel) else step
    return ToolAnswer(data=data, truncated=isinstance(data, dict) and bool(data.get("truncated")))
