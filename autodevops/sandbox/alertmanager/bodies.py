"""What clients send Alertmanager, read as its API library reads it, and what is wrong with it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from starlette.requests import Request

from autodevops.sandbox.alertmanager.alerts import Alert
from autodevops.sandbox.alertmanager.matchers import LabelMatcher, MatcherError, make_matcher, parse_matchers
from autodevops.sandbox.alertmanager.silences import Silence

_YES = ("true", "1", "yes", "ok", "y", "on", "selected", "checked", "t", "enabled")  # as its API library reads flags
_LABEL_NAME = re.compile(r"[a-zA-Z_]\w*", re.ASCII)


class BadRequest(Exception):
    """A request that Alertmanager answers with 400 and a JSON string."""


class Invalid(Exception):
    """A request that does not have the shape of the API's schema: the validator's own code, and 400 or 422."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.status = code if code < 600 else 422
        self.body = {"code": code, "message": message}


async def read_body(request: Request, kind: type, name: str) -> Any:
    try:
        body = json.loads(await request.body())
    except ValueError as error:
        raise Invalid(400, f'parsing {name} body from "" failed, because {error}') from error
    if not isinstance(body, kind):
        raise Invalid(400, f'parsing {name} body from "" failed, because json: cannot unmarshal {_kind(body)}')
    return body


def _kind(value: object) -> str:
    names = {dict: "object", list: "array", str: "string", bool: "bool", int: "number", float: "number"}
    return names.get(type(value), "null")


def posted_alert(given: Any, index: int, now: datetime, timeout: timedelta) -> Alert:
    if not isinstance(given, dict) or not isinstance(given.get("labels"), dict):
        raise Invalid(602, f"{index}.labels in body is required")
    for value in given["labels"].values():
        if not isinstance(value, str):
            reason = f"json: cannot unmarshal {_kind(value)} into Go struct field Alert.labels of type string"
            raise Invalid(400, f'parsing alerts body from "" failed, because {reason}')
    starts, ends = _optional_moment(given, "startsAt"), _optional_moment(given, "endsAt")
    return Alert(
        labels={str(name): str(value) for name, value in given["labels"].items() if value != ""},
        annotations={str(name): str(value) for name, value in (given.get("annotations") or {}).items()},
        starts_at=starts or ends or now,
        ends_at=ends or now + timeout,
        updated_at=now,
        generator_url=str(given.get("generatorURL") or ""),
    )


def _optional_moment(given: Mapping[str, Any], name: str) -> datetime | None:
    """Absent or Go's zero time: not given."""
    text = given.get(name)
    if not text or str(text).startswith("0001-01-01"):
        return None
    try:
        return _moment(text)
    except (TypeError, ValueError) as error:
        reason = f'parsing time "{text}" as "2006-01-02 15:04:05": cannot parse "{text}" as "2006"'
        raise Invalid(400, f'parsing alerts body from "" failed, because {reason}') from error


def mistakes(alert: Alert) -> str:
    if alert.ends_at < alert.starts_at:
        return "start time must be before end time"
    for what, names in (("label set", alert.labels), ("annotations", alert.annotations)):
        for name in names:
            if not _LABEL_NAME.fullmatch(name):
                return f'invalid {what}: invalid name "{name}"'
    return "" if alert.labels else "at least one label pair required"


def posted_silence(body: Mapping[str, Any], now: datetime) -> Silence:
    for name in ("comment", "createdBy", "endsAt", "matchers", "startsAt"):
        if body.get(name) is None:
            raise Invalid(602, f"{name} in body is required")
    if not body["matchers"]:
        raise Invalid(612, "matchers in body should have at least 1 items")
    for index, given in enumerate(body["matchers"]):
        for name in ("isRegex", "name", "value"):
            if given.get(name) is None:
                raise Invalid(602, f"matchers.{index}.{name} in body is required")
    matchers = tuple(_silence_matcher(index, given) for index, given in enumerate(body["matchers"]))
    try:
        starts, ends = _moment(body["startsAt"]), _moment(body["endsAt"])
    except (TypeError, ValueError) as error:
        raise Invalid(400, f'parsing silence body from "" failed, because {error}') from error
    silence = Silence(
        str(body.get("id") or ""), matchers, max(starts, now), ends, now, body["createdBy"], body["comment"]
    )
    if ends <= starts:
        raise BadRequest("Failed to create silence: start time must be before end time")
    if ends < now:
        raise BadRequest("Failed to create silence: end time can't be in the past")
    if all(matcher.accepts({}) for matcher in matchers):
        raise BadRequest("silence invalid: at least one matcher must not match the empty string")
    return silence


def receiver_filter(request: Request) -> Callable[[str], bool]:
    text = request.query_params.get("receiver")
    if text is None:
        return lambda name: True
    try:
        matcher = make_matcher("receiver", text, True, True)
    except MatcherError as error:
        raise BadRequest(f"failed to parse receiver param: {error}") from error
    return lambda name: matcher.accepts({"receiver": name})


def flag(request: Request, name: str) -> bool:
    return request.query_params.get(name, "true").lower() in _YES


def read_matchers(texts: list[str]) -> list[LabelMatcher]:
    try:
        return parse_matchers(texts)
    except MatcherError as error:
        raise BadRequest(str(error)) from error


def _silence_matcher(index: int, given: Mapping[str, Any]) -> LabelMatcher:
    try:
        return make_matcher(given["name"], given["value"], bool(given["isRegex"]), bool(given.get("isEqual", True)))
    except MatcherError as error:
        said = f'invalid label matcher {index}: invalid regular expression "{given["value"]}": {error}'
        raise BadRequest(f"silence invalid: {said}") from error


def silence_id(request: Request) -> str:
    text: str = request.path_params["id"]
    try:
        UUID(text)
    except ValueError as error:
        raise Invalid(601, f"silenceID in path must be of type uuid: {json.dumps(text)}") from error
    return text


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
