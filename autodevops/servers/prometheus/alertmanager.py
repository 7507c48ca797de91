"""Alertmanager's tools: what people were notified of, and silences. The writing ones exist only where allowed."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field

from autodevops.domain.tool_results import AlertGroupList, Silence, SilenceList, SilenceResult
from autodevops.kernel.errors import ToolRejected
from autodevops.servers._arguments import Times, cut, utc, weight
from autodevops.servers._http import HttpApi
from autodevops.servers._tools import Server, read_tool, write_tool
from autodevops.servers.prometheus import answers, matchers, text

MAX_GROUPS = 1000
MAX_MINUTES = 7 * 24 * 60  # a week; a longer silence is a rule that should be changed
MAX_NAMED = 50  # alerts that a silence is said to mute

Matchers = Annotated[
    str,
    Field(description='Labels as in PromQL, e.g. {alertname="HighErrorRate",namespace=~"shop|pay"}. All must match.'),
]
SilenceId = Annotated[str, Field(description="Id of the silence, e.g. 0f6c2f5e-6d0c-4a7a-9f6d-2f3c1b8a9d10.")]

DryRun = Annotated[bool, Field(description="Change nothing; only say which alerts it is about.")]


def add_tools(server: Server, api: HttpApi, times: Times, *, allow_writes: bool) -> None:
    """Add the reading tools and, where allowed, the writing ones."""

    @read_tool(server, text.alert_groups)
    async def list_alert_groups() -> AlertGroupList:
        """List Alertmanager's alert groups: what people were notified of, with silenced and inhibited ones marked.

        An alert's state is firing, or suppressed when a silence or another alert mutes it. Takes no arguments.
        """
        answer = await api.get("/api/v2/alerts/groups")
        with api.understanding():
            found = [answers.alert_group(item) for item in answer]
        shown, truncated, note = cut(found, MAX_GROUPS, "groups", "Use list_alerts.", weight)
        return AlertGroupList(groups=shown, truncated=truncated, note=note)

    @read_tool(server, text.silences)
    async def list_silences(
        state: Annotated[
            Literal["current", "expired", "all"], Field(description="current: active, or pending until they begin.")
        ] = "current",
    ) -> SilenceList:
        """List silences: who muted what, until when and why.

        Use it when an alert that should page does not. Example: state='current'.
        """
        answer = await api.get("/api/v2/silences")
        with api.understanding():
            every = [answers.silence(item) for item in answer]
        found = [one for one in every if state == "all" or (one.state == "expired") == (state == "expired")]
        shown, truncated, note = cut(found, MAX_GROUPS, "silences", "Give state='current'.", weight)
        return SilenceList(silences=shown, truncated=truncated, note=note)

    if allow_writes:
        _add_write_tools(server, api, times)


def _add_write_tools(server: Server, api: HttpApi, times: Times) -> None:
    @write_tool(server, text.silence_result, destructive=False)
    async def create_silence(
        matchers: Matchers,
        duration_minutes: Annotated[
            float, Field(description="How long, in minutes, from now; at most a week (10080).", gt=0, le=MAX_MINUTES)
        ],
        created_by: Annotated[str, Field(description="Who asks for it: a person, or an agent and its person.")],
        comment: Annotated[str, Field(description="Why, with a link to the incident where there is one.")],
        idempotency_key: Annotated[
            str,
            Field(
                description="So that the call can be repeated: where a silence of this key was made before, that one "
                "is answered, whatever became of it. Empty: always another one.",
                pattern=r"^[\w.:-]*$",
                max_length=100,
            ),
        ] = "",
        dry_run: DryRun = False,
    ) -> SilenceResult:
        """Mute notifications of the alerts that match, for a bounded time. Alerts go on firing, nobody is paged.

        Use it for planned work or an incident already in hand, as narrowly as possible; try dry_run=true first.
        Answers the id, the alerts it mutes now, and how to undo it. Example: matchers='{alertname="HighErrorRate",
        service="cart"}', duration_minutes=60, created_by='ada', comment='rolling back cart, INC-12'.
        """
        given = _parsed(matchers)
        for name, said in (("created_by", created_by), ("comment", comment)):
            if not said.strip():
                raise ToolRejected(f"Argument {name} is empty.", f"Say {name}; a silence is read by others.")
        mark = f"[{idempotency_key}]" if idempotency_key else ""
        shown, truncated, note = cut(await _muted(api, given), MAX_NAMED, "alerts", "")
        if mark and (made := await _made_before(api, mark)):
            return SilenceResult(
                silence=made,
                dry_run=dry_run,
                changed=False,
                alerts=shown,
                truncated=truncated,
                note=note,
                undo=_ended_by(made),
            )
        start = times.clock()
        body = {
            "matchers": given,
            "startsAt": start.isoformat(),
            "endsAt": (start + timedelta(minutes=duration_minutes)).isoformat(),
            "createdBy": created_by.strip(),
            "comment": f"{comment.strip()} {mark}".strip(),
        }
        state: dict[str, Any] = {"id": "", "status": {"state": "none"}}
        if not dry_run:
            reply = await api.write("POST", "/api/v2/silences", body)
            with api.understanding():
                state = {"id": api.json(reply)["silenceID"], "status": {"state": "active"}}
        silence = answers.silence({**body, **state})
        return SilenceResult(
            silence=silence,
            dry_run=dry_run,
            alerts=shown,
            truncated=truncated,
            note=note,
            undo="" if dry_run else _ended_by(silence),
        )

    @write_tool(server, text.silence_result, destructive=True)
    async def expire_silence(silence_id: SilenceId, dry_run: DryRun = False) -> SilenceResult:
        """End a silence now: alerts it muted notify people again.

        Use it when the work is done or the silence was wrong. list_silences has the ids. Answers how to make it again.
        """
        try:
            identity = str(UUID(silence_id.strip()))
        except ValueError as error:
            raise ToolRejected(f"{silence_id!r} is not the id of a silence.", "list_silences has the ids.") from error
        path = f"/api/v2/silence/{identity}"
        item = await api.get(path, missing=f"Silence {identity}")
        with api.understanding():
            before = answers.silence(item)
        if before.state == "expired":
            raise ToolRejected(f"Silence {identity} already expired at {before.ends_at:%Y-%m-%dT%H:%M:%SZ}.")
        muted = tuple(await _muted(api, item["matchers"]))[:MAX_NAMED]
        if dry_run:
            return SilenceResult(silence=before, dry_run=True, alerts=muted)
        await api.write("DELETE", path, missing=f"Silence {identity}")
        with api.understanding():
            after = answers.silence(await api.get(path, missing=f"Silence {identity}"))
        return SilenceResult(silence=after, alerts=muted, undo=_again(before, times))


def _parsed(given: str) -> list[dict[str, Any]]:
    found = matchers.parse(given)
    if all(matcher["isRegex"] and re.fullmatch(r"\(?\.[*+]\)?", matcher["value"]) for matcher in found):
        raise ToolRejected(f"{given} matches every alert.", "Name the alert, service or namespace to mute.")
    return found


async def _made_before(api: HttpApi, mark: str) -> Silence | None:
    """The silence whose comment ends with the mark. Alertmanager forgets expired ones after some days."""
    answer = await api.get("/api/v2/silences")
    with api.understanding():
        return next((answers.silence(one) for one in answer if str(one["comment"]).endswith(mark)), None)


def _ended_by(silence: Silence) -> str:
    return "" if silence.state == "expired" else f"expire_silence(silence_id='{silence.silence_id}')"


async def _muted(api: HttpApi, given: list[dict[str, Any]]) -> list[str]:
    """Names of the alerts that match now."""
    answer = await api.get("/api/v2/alerts", [("filter", answers.matcher_text(matcher)) for matcher in given])
    with api.understanding():
        return sorted(_named(item["labels"]) for item in answer)


def _named(labels: dict[str, str]) -> str:
    rest = ", ".join(f"{key}={value}" for key, value in labels.items() if key != "alertname")
    return f"{labels.get('alertname', '')} ({rest})"


def _again(before: Silence, times: Times) -> str:
    left = (before.ends_at - max(before.starts_at, utc(times.clock().timestamp()))).total_seconds() / 60
    return (
        f"create_silence(matchers='{{{','.join(before.matchers)}}}', duration_minutes={max(left, 1):.0f}, "
        f"created_by='{before.created_by}', comment='{before.comment}')"
    )
