"""What clients see of our tools is written down, so that a reviewer sees it change.

`AUTODEVOPS_TEST_UPDATE_GOLDENS=1 pytest tests/servers/test_servers_goldens.py` writes the files anew.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from mcp import Client

from autodevops import servers
from autodevops.settings import Settings

FOLDER = Path(__file__).parent / "goldens"
UPDATE = os.environ.get("AUTODEVOPS_TEST_UPDATE_GOLDENS") == "1"  # read before tests clean the environment


ALL = Settings.model_validate(
    {
        name: {"allow_writes": True}
        for name, field in Settings.model_fields.items()
        if "allow_writes" in getattr(field.annotation, "model_fields", {})
    }
)


@pytest.mark.parametrize("name", servers.NAMES)
async def test_tools_are_as_written_down(name: str) -> None:
    async with Client(servers.create(name, ALL)) as client:
        tools = (await client.list_tools()).tools
    found = [tool.model_dump(mode="json", by_alias=True, exclude_none=True) for tool in tools]
    text = json.dumps(found, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
    golden = FOLDER / f"{name}.json"
    if UPDATE:
        FOLDER.mkdir(exist_ok=True)
        golden.write_text(text)
    assert golden.read_text() == text


@pytest.mark.parametrize("name", servers.NAMES)
async def test_no_tool_writes_unless_that_is_allowed(name: str) -> None:
    async with Client(servers.create(name, Settings())) as client:
        tools = (await client.list_tools()).tools
    assert tools
    assert all(tool.annotations and tool.annotations.read_only_hint is True for tool in tools)


@pytest.mark.parametrize("name", servers.NAMES)
async def test_every_tool_says_what_it_does_and_describes_its_arguments(name: str) -> None:
    async with Client(servers.create(name, ALL)) as client:
        tools = (await client.list_tools()).tools
    for tool in tools:
        assert tool.description, tool.name
        assert tool.annotations is not None
        assert None not in (tool.annotations.read_only_hint, tool.annotations.destructive_hint)
        assert tool.annotations.read_only_hint or "dry_run" in tool.input_schema["properties"], tool.name
        assert tool.output_schema is not None
        for argument, schema in tool.input_schema["properties"].items():
            assert schema.get("description"), f"{tool.name}.{argument}"
