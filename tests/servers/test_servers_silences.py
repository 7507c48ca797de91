"""Silences, made and ended in Debian's Alertmanager; and that nothing is written where it was not allowed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from mcp import Client
from mcp.server import MCPServer
from real_alertmanager import real_alertmanager
from servers.loopback import ask, call

from autodevops import servers
from autodevops.domain.tool_results import SilenceList, SilenceResult
from autodevops.kernel.clock import utc_now
from autodevops.kernel.errors import ToolNotFound, ToolRejected
from autodevops.servers import prometheus
from autodevops.settings import AlertmanagerSettings, PrometheusSettings, Settings
from autodevops.toolbox import McpToolbox, ReadOnly

ASKED = {"duration_minutes": 30, "created_by": "ada", "comment": "rolling back, INC-12"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MCPServer[Any]]:
    folder: Path = tmp_path_factory.mktemp("alertmanager")
    with real_alertmanager(folder) as url:
        alerts = [
            {"labels": {"alertname": "HighErrorRate", "service": name}, "startsAt": utc_now().isoformat()}
            for name in ("cart", 'odd"name')
        ]
        httpx.post(f"{url}/api/v2/alerts", json=alerts, trust_env=False).raise_for_status()
        alertmanager = AlertmanagerSettings(url=url, allow_writes=True)
        yield prometheus.create_server(PrometheusSettings(), alertmanager)


async def silences(server: MCPServer[Any], **arguments: str) -> SilenceList:
    return SilenceList.model_validate(await call(server, "list_silences", **arguments))


async def test_a_silence_is_tried_made_listed_ended_and_can_be_made_again(server: MCPServer[Any]) -> None:
    wanted = {**ASKED, "matchers": '{alertname="HighErrorRate",service=~"cart|pay"}'}
    tried = SilenceResult.model_validate(await call(server, "create_silence", dry_run=True, **wanted))
    assert tried.dry_run
    assert tried.alerts == ("HighErrorRate (service=cart)",)
    assert (await silences(server)).silences == ()

    made = SilenceResult.model_validate(await call(server, "create_silence", **wanted)).silence
    (listed,) = (await silences(server)).silences
    assert (listed.silence_id, listed.state, listed.created_by) == (made.silence_id, "active", "ada")
    assert listed.matchers == made.matchers == ('alertname="HighErrorRate"', 'service=~"cart|pay"')
    assert timedelta(minutes=29) < listed.ends_at - utc_now() <= timedelta(minutes=30)

    kept = SilenceResult.model_validate(await call(server, "expire_silence", silence_id=made.silence_id, dry_run=True))
    assert (kept.dry_run, kept.alerts, kept.silence.state) == (True, tried.alerts, "active")
    assert len((await silences(server)).silences) == 1

    ended = SilenceResult.model_validate(await call(server, "expire_silence", silence_id=made.silence_id))
    assert ended.silence.state == "expired"
    assert """matchers='{alertname="HighErrorRate",service=~"cart|pay"}'""" in ended.undo
    assert (await silences(server)).silences == ()
    assert [one.silence_id for one in (await silences(server, state="expired")).silences] == [made.silence_id]
    with pytest.raises(ToolRejected, match="already expired"):
        await ask(server, "expire_silence", silence_id=made.silence_id)


async def test_a_silence_of_one_key_is_made_once_even_after_it_was_ended(server: MCPServer[Any]) -> None:
    wanted = {**ASKED, "matchers": '{service="cart"}', "idempotency_key": "op-1"}
    made = await call(server, "create_silence", **wanted)
    again = await call(server, "create_silence", **wanted)
    assert (made["changed"], again["changed"]) == (True, False)
    assert made["silence"]["silence_id"] == again["silence"]["silence_id"]
    assert made["silence"]["comment"] == "rolling back, INC-12 [op-1]"
    await call(server, "expire_silence", silence_id=made["silence"]["silence_id"])
    late = await call(server, "create_silence", **wanted)
    assert (late["changed"], late["silence"]["state"]) == (False, "expired")
    assert (await silences(server)).silences == ()


async def test_a_value_with_quotes_is_matched(server: MCPServer[Any]) -> None:
    tried = await call(server, "create_silence", dry_run=True, matchers='{service="odd\\"name"}', **ASKED)
    assert tried["alerts"] == ['HighErrorRate (service=odd"name)']


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"matchers": "{}"}, "at least one non-empty matcher"),
        ({"matchers": '{alertname=~".*"}'}, "at least one non-empty matcher"),
        ({"matchers": '{alertname=~".+"}'}, "matches every alert"),
        ({"matchers": '{alertname=~"("}'}, "illegal regex"),
        ({"matchers": 'up{a="b"}'}, "no matchers"),
        ({"matchers": '{a="b"}[5m]'}, "no matchers"),
        ({"matchers": '{a="b"} offset 5m'}, "has a time in it"),
        ({"duration_minutes": 0}, "greater than 0"),
        ({"duration_minutes": 10_081}, "less than or equal to 10080"),
        ({"created_by": " "}, "created_by is empty"),
        ({"comment": ""}, "comment is empty"),
    ],
)
async def test_a_silence_that_is_too_wide_too_long_or_anonymous_is_refused(
    server: MCPServer[Any], changed: dict[str, Any], says: str
) -> None:
    before = await silences(server, state="all")
    with pytest.raises(ToolRejected, match=says):
        await ask(server, "create_silence", **{"matchers": '{a="b"}', **ASKED, **changed})
    assert await silences(server, state="all") == before


@pytest.mark.parametrize(
    ("identity", "error"),
    [("../alerts", ToolRejected), ("0f6c2f5e-6d0c-4a7a-9f6d-2f3c1b8a9d10", ToolNotFound)],
)
async def test_what_is_no_silence_is_not_ended(server: MCPServer[Any], identity: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        await ask(server, "expire_silence", silence_id=identity)


async def test_alert_groups_of_the_real_one_are_read(server: MCPServer[Any]) -> None:
    groups = (await call(server, "list_alert_groups"))["groups"]
    assert {alert["labels"]["service"] for group in groups for alert in group["alerts"]} == {"cart", 'odd"name'}


WRITING = {
    "prometheus": {"create_silence", "expire_silence"},
    "github": {
        "create_issue",
        "add_comment",
        "delete_comment",
        "close_issue",
        "open_revert_pull",
        "open_document_pull",
        "close_pull",
    },
}

TAKING_BACK = {"expire_silence", "close_issue", "close_pull", "delete_comment"}


@pytest.mark.parametrize("name", WRITING)
async def test_tools_that_write_are_offered_only_where_allowed_and_say_that_they_write(name: str) -> None:
    async with Client(servers.create(name, Settings())) as client:
        assert not WRITING[name] & {tool.name for tool in (await client.list_tools()).tools}
    allowed = Settings.model_validate({"alertmanager": {"allow_writes": True}, "github": {"allow_writes": True}})
    async with Client(servers.create(name, allowed)) as client:
        tools = (await client.list_tools()).tools
    hints = {tool.name: tool.annotations for tool in tools}
    assert {tool for tool, hint in hints.items() if hint and hint.read_only_hint is False} == WRITING[name]
    assert {tool for tool, hint in hints.items() if hint and hint.destructive_hint} <= TAKING_BACK


async def test_a_read_only_toolbox_does_not_offer_them(server: MCPServer[Any]) -> None:
    async with McpToolbox({"prometheus": server}) as toolbox:
        offered = {spec.name for spec in await ReadOnly(toolbox).list_tools()}
    assert "prometheus.list_silences" in offered
    assert "prometheus.create_silence" not in offered
