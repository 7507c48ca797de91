"""Alerting rules as a function of time: what is pending or firing at a moment follows from the samples before it.

A rule is evaluated at fixed instants (multiples of its group's interval since the epoch). An alert is active since the
first instant of the unbroken run of instants at which its expression has it, and fires once that run is as long as the
rule's `for`. Nothing is remembered between requests but answers, which never change (`evaluations`).
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np
import yaml
from numpy.typing import NDArray

from autodevops.sandbox.prometheus.evaluations import Evaluated, Evaluations
from autodevops.sandbox.promql.labels import Labels, make_labels, value_of
from autodevops.sandbox.promql.values import Mask, Millis, SeriesSource
from autodevops.sandbox.wire.go import format_float, parse_duration

_FIRST_WINDOW_MS = 900_000
_LONGEST_WINDOW_MS = 48 * 3_600_000  # an alert active for longer shows this age
_CACHED = 512
_ACTION = re.compile(r"\{\{\s*(.*?)\s*\}\}")
_REFERENCE = re.compile(r"\$labels\.([A-Za-z_]\w*)|\$value")


@dataclass(frozen=True)
class Rule:
    """One alerting rule. `hold_ms` is its `for`."""

    alert: str
    expr: str
    hold_ms: int
    labels: dict[str, str] = field(hash=False)
    annotations: dict[str, str] = field(hash=False)


@dataclass(frozen=True)
class Group:
    name: str
    interval_ms: int
    rules: tuple[Rule, ...]


@dataclass(frozen=True)
class ActiveAlert:
    """An alert that is pending or firing. Times are milliseconds since the epoch."""

    rule: Rule
    labels: Labels
    annotations: dict[str, str]
    active_at: int
    evaluated_at: int
    value: float

    @property
    def firing(self) -> bool:
        return self.evaluated_at - self.active_at >= self.rule.hold_ms

    @property
    def fired_at(self) -> int:
        return self.active_at + self.rule.hold_ms


@cache
def shipped_rules() -> tuple[Group, ...]:
    """The rules that come with the package, in the format `promtool check rules` reads."""
    return parse_rules((files("autodevops.sandbox.prometheus") / "rules.yaml").read_text("utf-8"))


def parse_rules(text: str) -> tuple[Group, ...]:
    """The groups of a rule file. Raises ValueError naming what is not understood."""
    groups = []
    for group in yaml.safe_load(text)["groups"]:
        rules = tuple(_rule(rule) for rule in group["rules"])
        groups.append(Group(group["name"], _millis(group.get("interval", "30s")), rules))
    return tuple(groups)


def _rule(rule: dict[str, Any]) -> Rule:
    if "alert" not in rule:
        raise ValueError(f"only alerting rules are evaluated, not {sorted(rule)}")
    annotations = {name: str(value) for name, value in rule.get("annotations", {}).items()}
    labels = {name: str(value) for name, value in rule.get("labels", {}).items()}
    for template in (*annotations.values(), *labels.values()):
        expand(template, (), 0.0)
    return Rule(rule["alert"], str(rule["expr"]).strip(), _millis(rule.get("for", "0s")), labels, annotations)


def _millis(text: str) -> int:
    return parse_duration(text) // 1_000_000


class Alerting:
    """Rule groups over a source of samples. What is decided about the past is kept."""

    def __init__(self, source: SeriesSource, groups: tuple[Group, ...]) -> None:
        self.groups = groups
        self._evaluations = Evaluations(source)
        self._cache: OrderedDict[tuple[str, str, int], tuple[ActiveAlert, ...]] = OrderedDict()

    def at(self, now_ms: int) -> tuple[ActiveAlert, ...]:
        """Every pending and firing alert at a moment that has come."""
        return tuple(alert for group in self.groups for rule in group.rules for alert in self.of(group, rule, now_ms))

    def of(self, group: Group, rule: Rule, now_ms: int) -> tuple[ActiveAlert, ...]:
        """The pending and firing alerts of one rule at a moment that has come."""
        last = now_ms - now_ms % group.interval_ms
        key = (group.name, rule.alert + rule.expr, last)
        found = self._cache.get(key)
        if found is None:
            found = self._cache[key] = self._active(group, rule, last)
            while len(self._cache) > _CACHED:
                self._cache.popitem(last=False)
        return found

    def _active(self, group: Group, rule: Rule, last: int) -> tuple[ActiveAlert, ...]:
        evaluated, since = self._runs(group, rule, last, last)
        return tuple(
            ActiveAlert(
                rule=rule,
                labels=_alert_labels(rule, labels, value),
                annotations={name: expand(text, labels, value) for name, text in rule.annotations.items()},
                active_at=began,
                evaluated_at=last,
                value=value,
            )
            for labels, value, began in zip(
                evaluated.labels, evaluated.values[:, -1:].ravel().tolist(), since[:, -1:].ravel().tolist(), strict=True
            )
        )

    def changes(self, start_ms: int, end_ms: int) -> list[int]:
        """Instants in (start, end] at which what fires is not what fired at the instant before."""
        found: set[int] = set()
        for group in self.groups:
            before = start_ms - start_ms % group.interval_ms
            if end_ms - end_ms % group.interval_ms <= before:
                continue
            for rule in group.rules:
                for _, times, _, firing, _ in self._states(group, rule, before, end_ms):
                    found.update(times[1:][firing[1:] != firing[:-1]].tolist())
        return sorted(at for at in found if at > start_ms)

    def states(self, start_ms: int, end_ms: int) -> Iterator[tuple[Labels, Millis, Mask, Mask, Millis]]:
        """Of every alert that is active in [start, end], a stretch that is over: labels, instants, pending, firing,
        and active since when."""
        for group in self.groups:
            for rule in group.rules:
                yield from self._states(group, rule, start_ms, end_ms)

    def _states(
        self, group: Group, rule: Rule, start_ms: int, end_ms: int
    ) -> Iterator[tuple[Labels, Millis, Mask, Mask, Millis]]:
        evaluated, since = self._runs(group, rule, start_ms, end_ms)
        firing = evaluated.present & (evaluated.times - since >= rule.hold_ms)
        pending = evaluated.present & ~firing
        for row, labels in enumerate(evaluated.labels):
            yield _alert_labels(rule, labels, 0.0), evaluated.times, pending[row], firing[row], since[row]

    def _runs(self, group: Group, rule: Rule, start: int, end: int) -> tuple[Evaluated, NDArray[np.int64]]:
        """The rule at its instants in [start, end], and when the run began that each of its samples belongs to."""
        interval = group.interval_ms
        shown = self._evaluations.of(rule.expr, interval, start, end)
        before = _FIRST_WINDOW_MS if len(shown.labels) else 0
        while True:
            whole = self._evaluations.of(rule.expr, interval, start - before, end)
            endless = whole.present[:, whole.times <= start].all(axis=1).any()
            if not before or before >= _LONGEST_WINDOW_MS or not endless:
                break
            before = min(4 * before, _LONGEST_WINDOW_MS)
        # The start of a run: the instant after the last one without the alert.
        gaps = np.maximum.accumulate(np.where(whole.present, -1, np.arange(len(whole.times))), axis=1)
        since = whole.times[np.minimum(gaps + 1, len(whole.times) - 1)] if len(whole.times) else gaps
        rows = [whole.labels.index(labels) for labels in shown.labels]
        return shown, since[rows][:, whole.times >= start]


def _alert_labels(rule: Rule, labels: Labels, value: float) -> Labels:
    own = {name: expand(text, labels, value) for name, text in rule.labels.items()}
    return make_labels(dict(labels) | own | {"alertname": rule.alert})


def expand(template: str, labels: Labels, value: float) -> str:
    """The template with `{{ $labels.x }}`, `{{ $value }}`, `| humanize...` and `printf "%.2f"` filled in.

    Raises ValueError for any other template action.
    """

    def action(match: re.Match[str]) -> str:
        operand, *filters = (part.strip() for part in match.group(1).split("|"))
        printf = re.fullmatch(r'printf\s+"(%\.\d+f|%s|%d)"\s+(\S+)', operand)
        if printf:
            operand = printf.group(2)
        reference = _REFERENCE.fullmatch(operand)
        if not reference:
            raise ValueError(f"template action {match.group()!r} is not supported")
        result: str | float = value_of(labels, reference.group(1)) if reference.group(1) else value
        if printf:
            result = printf.group(1) % result
        for name in filters:
            if name not in _FILTERS:
                raise ValueError(f"template function {name!r} is not supported")
            result = _FILTERS[name](float(result))
        return result if isinstance(result, str) else format_float(result)

    return _ACTION.sub(action, template)


def _humanize(value: float) -> str:
    size = abs(value)
    for power, prefix in ((24, "Y"), (21, "Z"), (18, "E"), (15, "P"), (12, "T"), (9, "G"), (6, "M"), (3, "k")):
        if size >= 10**power:
            return f"{value / 10**power:.4g}{prefix}"
    if size >= 1 or size == 0:
        return f"{value:.4g}"
    for power, prefix in ((3, "m"), (6, "u"), (9, "n"), (12, "p")):
        if size * 10**power >= 1:
            return f"{value * 10**power:.4g}{prefix}"
    return f"{value:.4g}"


def _humanize_duration(value: float) -> str:
    if abs(value) < 1:
        return _humanize(value) + "s"
    if abs(value) < 60:
        return f"{value:.4g}s"
    seconds = int(abs(value))
    days, hours, minutes = seconds // 86_400, seconds // 3_600 % 24, seconds // 60 % 60
    parts = [f"{n}{unit}" for n, unit in ((days, "d"), (hours, "h"), (minutes, "m"), (seconds % 60, "s"))]
    while parts[0].startswith("0"):
        parts.pop(0)
    return ("-" if value < 0 else "") + " ".join(parts)


_FILTERS: dict[str, Callable[[float], str]] = {
    "humanize": _humanize,
    "humanizeDuration": _humanize_duration,
    "humanizePercentage": lambda value: f"{value * 100:.4g}%",
}

ALERTS = "ALERTS"
ALERTS_FOR_STATE = "ALERTS_FOR_STATE"
