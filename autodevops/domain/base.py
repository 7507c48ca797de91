"""What all nouns share: frozen, strict about unknown fields, times aware and in UTC."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, TypeAlias

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    GetCoreSchemaHandler,
    JsonValue,
)
from pydantic_core import CoreSchema, core_schema


def _to_utc(value: datetime) -> datetime:
    return value.astimezone(UTC)


UtcDatetime: TypeAlias = Annotated[AwareDatetime, AfterValidator(_to_utc)]
Json: TypeAlias = JsonValue


class AsItCame:
    """Marks JSON of any size that is neither checked nor copied: whoever reads it checks the shape it wants.

    Unlike pydantic's SkipValidation it spares the looking up of each value's type in writing, too.
    """

    def __get_pydantic_core_schema__(self, _source: Any, _handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.any_schema()


class Noun(BaseModel):
    """A value that never changes after it was made."""

    model_config = ConfigDict(frozen=True, extra="forbid")
