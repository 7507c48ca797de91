"""Whether something is what Alertmanager posts to a webhook (version 4). It only says that a look is due: the look
decides.

Nothing in it is trusted further than that, for whoever has the hook's token could write anything.
"""

from __future__ import annotations

from typing import Literal

from pydantic import AwareDatetime, BaseModel, Field, ValidationError

from autodevops.kernel.errors import UsageError


class _Posted(BaseModel):
    status: Literal["firing", "resolved"]
    labels: dict[str, str]
    annotations: dict[str, str] = {}
    starts_at: AwareDatetime = Field(alias="startsAt")
    fingerprint: str = ""


class _Notification(BaseModel):
    version: Literal["4"]
    alerts: tuple[_Posted, ...]


def check_notification(document: object) -> None:
    """Raises UsageError for what Alertmanager would not post."""
    try:
        _Notification.model_validate(document)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the body"
        raise UsageError(
            f"This is no notification of Alertmanager's: {where}: {first['msg']}.", "Let a webhook_config post it."
        ) from error
