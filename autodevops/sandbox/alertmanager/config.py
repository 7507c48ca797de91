"""`alertmanager.yml`: the route tree, the receivers' webhooks and the inhibition rules.

Receivers of other kinds (mail, chat, pagers) are read and listed, but only webhooks are delivered: the sandbox talks to
nobody outside. Time intervals are refused rather than ignored.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from autodevops.sandbox.alertmanager.matchers import LabelMatcher, accepted, make_matcher, parse_matchers
from autodevops.sandbox.wire.go import parse_duration

DEFAULT_CONFIG = (
    "route:\n  receiver: default\n  group_by:\n  - alertname\n  - namespace\n  group_wait: 30s\n"
    "  group_interval: 5m\n  repeat_interval: 4h\nreceivers:\n- name: default\n"
)
_EVERY_LABEL = "..."


class ConfigError(ValueError):
    """What is wrong with a configuration, in Alertmanager's words where it has some."""


@dataclass(frozen=True)
class Webhook:
    url: str
    send_resolved: bool = True
    max_alerts: int = 0  # 0 is all
    authorization: str = ""  # the header's value


@dataclass(frozen=True)
class Receiver:
    name: str
    webhooks: tuple[Webhook, ...] = ()


@dataclass(frozen=True)
class Route:
    """`key` tells where in the tree it is. Times are in seconds."""

    key: str
    receiver: str
    group_by: tuple[str, ...]
    group_wait: float
    group_interval: float
    repeat_interval: float
    matchers: tuple[LabelMatcher, ...] = ()
    onward: bool = False  # `continue`
    routes: tuple[Route, ...] = ()

    def match(self, labels: Mapping[str, str]) -> list[Route]:
        """The routes an alert takes: the deepest that fit, the first of siblings unless it says `continue`."""
        if not accepted(self.matchers, labels):
            return []
        found: list[Route] = []
        for route in self.routes:
            taken = route.match(labels)
            found += taken
            if taken and not route.onward:
                break
        return found or [self]

    def group(self, labels: Mapping[str, str]) -> dict[str, str]:
        """The labels an alert is grouped by."""
        if _EVERY_LABEL in self.group_by:
            return dict(sorted(labels.items()))
        return {name: labels[name] for name in sorted(self.group_by) if name in labels}


@dataclass(frozen=True)
class Inhibition:
    source: tuple[LabelMatcher, ...]
    target: tuple[LabelMatcher, ...]
    equal: tuple[str, ...]

    def mutes(self, source: Mapping[str, str], target: Mapping[str, str]) -> bool:
        """Whether the one mutes the other while it fires. Two alerts that are each on both sides do not."""
        if not accepted(self.source, source) or not accepted(self.target, target):
            return False
        if accepted(self.source, target) and accepted(self.target, source):
            return False
        return all(source.get(name, "") == target.get(name, "") for name in self.equal)


@dataclass(frozen=True)
class Config:
    original: str
    route: Route
    receivers: tuple[Receiver, ...]
    inhibitions: tuple[Inhibition, ...]
    resolve_timeout: float

    def receiver(self, name: str) -> Receiver:
        return next(one for one in self.receivers if one.name == name)


def parse_config(text: str) -> Config:
    """Raises ConfigError."""
    try:
        data = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ConfigError(f"not YAML: {error}") from error
    if not isinstance(data, dict) or not isinstance(data.get("route"), dict):
        raise ConfigError("no route provided in config")
    _known(
        data, "config",
        ("global", "route", "inhibit_rules", "receivers", "templates"),
        refused=("mute_time_intervals", "time_intervals"),
    )  # fmt: skip
    try:
        settings = data.get("global") or {}
        receivers = tuple(_receivers(data.get("receivers") or []))
        root = _route(data["route"], None, "")
        inhibitions = tuple(_inhibition(rule) for rule in data.get("inhibit_rules") or [])
        resolve = _seconds(settings.get("resolve_timeout", "5m"))
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        if isinstance(error, ConfigError):
            raise
        raise ConfigError(f"{type(error).__name__}: {error}") from error
    if data["route"].get("continue"):
        raise ConfigError("cannot have continue in root route")
    if root.matchers:
        raise ConfigError("root route must not have any matchers")
    names = {one.name for one in receivers}
    for route in _walk(root):
        if route.receiver not in names:
            raise ConfigError(f'undefined receiver "{route.receiver}" used in route')
    return Config(text, root, receivers, inhibitions, resolve)


def _walk(route: Route) -> Iterator[Route]:
    yield route
    for one in route.routes:
        yield from _walk(one)


def _receivers(given: Sequence[Mapping[str, Any]]) -> Iterator[Receiver]:
    met: set[str] = set()
    for one in given:
        name = str(one.get("name") or "")
        if not name:
            raise ConfigError("missing name in receiver")
        if name in met:
            raise ConfigError(f'notification config name "{name}" is not unique')
        met.add(name)
        yield Receiver(name, tuple(_webhook(hook) for hook in one.get("webhook_configs") or []))


def _webhook(given: Mapping[str, Any]) -> Webhook:
    _known(given, "webhook_config", ("url", "send_resolved", "max_alerts", "http_config"))
    url = str(given.get("url") or "")
    if not url:
        raise ConfigError("missing URL in webhook config")
    if not url.startswith(("http://", "https://")):
        raise ConfigError(
            f'unsupported scheme "{url.partition(":")[0]}" for URL' if url else "missing URL in webhook config"
        )
    http = given.get("http_config") or {}
    token = http.get("bearer_token") or (http.get("authorization") or {}).get("credentials")
    kind = (http.get("authorization") or {}).get("type", "Bearer")
    return Webhook(
        url, bool(given.get("send_resolved", True)), int(given.get("max_alerts", 0)), f"{kind} {token}" if token else ""
    )


def _route(given: Mapping[str, Any], above: Route | None, path: str) -> Route:
    _known(
        given, "route",
        ("receiver", "group_by", "group_wait", "group_interval", "repeat_interval", "matchers", "match", "match_re",
         "continue", "routes"),
        refused=("mute_time_intervals", "active_time_intervals"),
    )  # fmt: skip
    matchers = _matchers(given, "match", "match_re", "matchers")
    receiver = given.get("receiver") or (above.receiver if above else "")
    if not receiver:
        raise ConfigError("root route must specify a default receiver")
    said = ",".join(str(one) for one in sorted(matchers, key=lambda one: (one.name, one.value)))
    key = f"{path}/{{{said}}}" if above else "{}"
    own = Route(
        key=key,
        receiver=str(receiver),
        group_by=tuple(map(str, given["group_by"])) if "group_by" in given else above.group_by if above else (),
        group_wait=_seconds(given["group_wait"]) if "group_wait" in given else above.group_wait if above else 30.0,
        group_interval=_interval(given, "group_interval", above.group_interval if above else 300.0),
        repeat_interval=_interval(given, "repeat_interval", above.repeat_interval if above else 4 * 3600.0),
        matchers=matchers,
        onward=bool(given.get("continue", False)),
    )
    routes = tuple(_route(one, own, key) for one in given.get("routes") or [])
    return Route(**{**own.__dict__, "routes": routes})


def _inhibition(given: Mapping[str, Any]) -> Inhibition:
    _known(
        given, "inhibit_rule",
        ("source_match", "source_match_re", "source_matchers", "target_match", "target_match_re", "target_matchers",
         "equal"),
    )  # fmt: skip
    return Inhibition(
        _matchers(given, "source_match", "source_match_re", "source_matchers"),
        _matchers(given, "target_match", "target_match_re", "target_matchers"),
        tuple(map(str, given.get("equal") or [])),
    )


def _matchers(given: Mapping[str, Any], plain: str, regex: str, modern: str) -> tuple[LabelMatcher, ...]:
    found = [make_matcher(str(k), str(v), False, True) for k, v in (given.get(plain) or {}).items()]
    found += [make_matcher(str(k), str(v), True, True) for k, v in (given.get(regex) or {}).items()]
    return (*found, *parse_matchers([str(one) for one in given.get(modern) or []]))


def _seconds(text: object) -> float:
    return parse_duration(str(text)) / 1e9


def _interval(given: Mapping[str, Any], name: str, default: float) -> float:
    value = _seconds(given[name]) if name in given else default
    if value <= 0:
        raise ConfigError(f"{name} cannot be zero")
    return value


def _known(given: Mapping[str, Any], what: str, names: Sequence[str], refused: Sequence[str] = ()) -> None:
    for name in given:
        if name in refused:
            raise ConfigError(f"the sandbox's Alertmanager knows no time intervals: {name} in {what}")
        if name not in names:
            raise ConfigError(f"field {name} not found in type {what}")
