"""Alerting rules as a function of time: what is pending or firing at a moment follows from the samples before it.

A rule is evaluated at fixed instants (multiples of its group's interval since the epoch). An alert is active since the
first instant of the unbroken run of instants at which its expression has it, and fires once that run is as long as the
rule's `for`. Nothing is remembered between requests but a cache of answers, which never change.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from importlib.resources import files
from typing import Any

import numpy as np
import yaml

from autodevops.sandbox.promql.engine import range_query
from autodevops.sandbox.promql.labels import Labels, make_labels, value_of, without_name
from autodevops.sandbox.promql.values import Floats, Mask, Millis, SeriesSource
from autodevops.sandbox.wire.go import format_float, parse_duration

_FIRST_WINDOW_MS = 3_600_000
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
    """Rule groups over a source of samples."""

    def __init__(self, source: SeriesSource, groups: tuple[Group, ...]) -> None:
        self.groups = groups
        self._source = source
        self._cache: OrderedDict[tuple[str, str, int], tuple[ActiveAlert, ...]] = OrderedDict()

    def at(self, now_ms: int) -> tuple[ActiveAlert, ...]:
        """Every pending and firing alert at a moment."""
        return tuple(alert for group in self.groups for rule in group.rules for alert in self.of(group, rule, now_ms))

    def of(self, group: Group, rule: Rule, now_ms: int) -> tuple[ActiveAlert, ...]:
        """The pending and firing alerts of one rule at a moment."""
        last = now_ms - now_ms % group.interval_ms
        key = (group.name, rule.alert + rule.expr, last)
        found = self._cache.get(key)
        if found is None:
            found = self._cache[key] = self._evaluate(group, rule, last)
            while len(self._cache) > _CACHED:
                self._cache.popitem(last=False)
        return found

    def _evaluate(self, group: Group, rule: Rule, last: int) -> tuple[ActiveAlert, ...]:
        window = 0
        while True:
            times, labels, values, present = self._history(group, rule, last - window, last)
            rows = [row for row in range(len(labels)) if present[row, -1]]
            if not rows:
                return ()
            if window >= _LONGEST_WINDOW_MS or (window and not any(present[row].all() for row in rows)):
                break
            window = max(_FIRST_WINDOW_MS, min(4 * window, _LONGEST_WINDOW_MS))
        return tuple(
            ActiveAlert(
                rule=rule,
                labels=_alert_labels(rule, labels[row], float(values[row, -1])),
                annotations={k: expand(v, labels[row], float(values[row, -1])) for k, v in rule.annotations.items()},
                active_at=int(times[_run_start(present[row])]),
                evaluated_at=last,
                value=float(values[row, -1]),
            )
            for row in rows
        )

    def _history(self, group: Group, rule: Rule, start: int, end: int) -> tuple[Millis, list[Labels], Floats, Mask]:
        """The expression at the group's instants in [start, end]: times, label sets, values, presence."""
        first = -(-start // group.interval_ms) * group.interval_ms
        times = np.arange(first, end + 1, group.interval_ms, dtype=np.int64)
        if not len(times):
            return times, [], np.zeros((0, 0)), np.zeros((0, 0), dtype=bool)
        result = range_query(rule.expr, self._source, first, end, group.interval_ms)
        values = np.zeros((len(result.series), len(times)))
        present = np.zeros(values.shape, dtype=bool)
        for row, series in enumerate(result.series):
            columns = (series.times - first) // group.interval_ms
            values[row, columns] = series.values
            present[row, columns] = True
        return times, [without_name(series.labels) for series in result.series], values, present

    def states(self, start_ms: int, end_ms: int) -> Iterator[tuple[Labels, Millis, Mask, Mask, Millis]]:
        """Of every alert that is active in [start, end]: labels, instants, pending, firing, and active since when."""
        for group in self.groups:
            for rule in group.rules:
                before = max(rule.hold_ms, _FIRST_WINDOW_MS)
                times, labels, _, present = self._history(group, rule, start_ms - before, end_ms)
                shown = times >= start_ms
                for row, own in enumerate(labels):
                    if not present[row, shown].any():
                        continue
                    # The start of a run: the instant after the last one without the alert.
                    gap = np.maximum.accumulate(np.where(present[row], -1, np.arange(len(times))))
                    since = times[np.minimum(gap + 1, len(times) - 1)]
                    firing = present[row] & (times - since >= rule.hold_ms)
                    pending = present[row] & ~firing
                    yield _alert_labels(rule, own, 0.0), times[shown], pending[shown], firing[shown], since[shown]


def _run_start(present: Mask) -> int:
    gaps = np.flatnonzero(~present)
    return int(gaps[-1]) + 1 if len(gaps) else 0


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
