"""What all nouns share: frozen, strict about unknown fields, times aware and in UTC."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, TypeAlias

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, JsonValue


def _to_utc(value: datetime) -> datetime:
    return value.astimezone(UTC)


UtcDatetime: TypeAlias = Annotated[AwareDatetime, AfterValidator(_to_utc)]
Json: TypeAlias = JsonValue


class Noun(BaseModel):
    """A value that never changes after it was made."""

    model_config = ConfigDict(frozen=True, extra="forbid")
