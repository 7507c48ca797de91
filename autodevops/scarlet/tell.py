"""Who is told how a schedule's runs end: channels of the settings, by Slack's incoming webhooks or plain JSON.

To tell never stops anything: a channel that cannot be reached is an error in the log, with what it was about.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from typing import Literal

from autodevops.domain.run import GOOD
from autodevops.scarlet.schedules.schedule import Schedule
from autodevops.settings import ChannelSettings

log = logging.getLogger(__name__)

_SECONDS = 10
Occasion = Literal["failure", "success", "recovery"]


def occasions(status: str, before: str) -> tuple[Occasion, ...]:
    """What an end is, seen from the end before it; empty when there was none."""
    if status not in GOOD:
        return ("failure",)
    return ("success", "recovery") if before and before not in GOOD else ("success",)


def listeners(schedule: Schedule, status: str, before: str) -> tuple[tuple[str, Occasion], ...]:
    """Channels to tell, each once, and of what."""
    found: dict[str, Occasion] = {}
    for occasion in occasions(status, before):
        found |= dict.fromkeys(getattr(schedule.tell, occasion), occasion)
    return tuple(found.items())


async def tell_all(
    channels: Mapping[str, ChannelSettings], names: Sequence[str], text: str, facts: Mapping[str, str]
) -> None:
    for name in names:
        await tell(channels, name, text, facts)


async def tell(channels: Mapping[str, ChannelSettings], name: str, text: str, facts: Mapping[str, str]) -> None:
    channel = channels.get(name)
    if channel is None:
        log.error("Nobody was told: there is no channel %s in the settings. %s", name, text)
        return
    try:
        await asyncio.to_thread(_send, channel, text, facts)
    except Exception as error:  # noqa: BLE001  # whatever a channel does, the daemon goes on
        log.error("Channel %s was not told (%s: %s). %s", name, type(error).__name__, error, text)


def _send(channel: ChannelSettings, text: str, facts: Mapping[str, str]) -> None:
    if hook := channel.slack_webhook.get_secret_value():
        from slack_sdk.webhook import WebhookClient

        answer = WebhookClient(hook, timeout=_SECONDS).send(text=text)
        if answer.status_code != 200:
            raise OSError(f"Slack answered {answer.status_code}: {answer.body}")
    if channel.url:
        import httpx

        token = channel.token.get_secret_value()
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        httpx.post(channel.url, json={"text": text, **facts}, headers=headers, timeout=_SECONDS).raise_for_status()
