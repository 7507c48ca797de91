"""What Alertmanager posts to a webhook (version 4), as alerts. It only says that a look is due: the look decides.

Nothing in it is trusted further than that, for whoever has the hook's token could write anything.
"""

from __future__ import annotations

from typing import Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from autodevops.domain.alert import Alert
from autodevops.kernel.errors import UsageError


class _Posted(BaseModel):
    model_config = ConfigDict(frozen=True)

    status: Literal["firing", "resolved"]
    labels: dict[str, str]
    annotations: dict[str, str] = {}
    starts_at: AwareDatetime = Field(alias="startsAt")
    fingerprint: str = ""


class _Notification(BaseModel):
    model_config = ConfigDict(frozen=True)

    version: Literal["4"]
    alerts: tuple[_Posted, ...]


def read_notification(document: object) -> tuple[Alert, ...]:
    """Raises UsageError for what Alertmanager would not post."""
    try:
        posted = _Notification.model_validate(document).alerts
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the body"
        raise UsageError(
            f"This is no notification of Alertmanager's: {where}: {first['msg']}.", "Let a webhook_config post it."
        ) from error
    return tuple(
        Alert(
            labels=one.labels,
            annotations=one.annotations,
            state=one.status,
            starts_at=one.starts_at,
            fingerprint=one.fingerprint,
        )
        for one in posted
    )
