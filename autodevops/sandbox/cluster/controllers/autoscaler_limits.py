"""How fast an autoscaler may go: recent recommendations that hold it back, and the policies of `spec.behavior`."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from autodevops.sandbox.cluster.store import Json

_DOWN_WINDOW = 300  # seconds
_UP: Json = {
    "stabilizationWindowSeconds": 0,
    "selectPolicy": "Max",
    "policies": [
        {"type": "Pods", "value": 4, "periodSeconds": 15},
        {"type": "Percent", "value": 100, "periodSeconds": 15},
    ],
}
_DOWN: Json = {
    "stabilizationWindowSeconds": _DOWN_WINDOW,
    "selectPolicy": "Max",
    "policies": [{"type": "Percent", "value": 100, "periodSeconds": 15}],
}
_STABILIZED = {
    "ScaleUpStabilized": "recent recommendations were lower than current one, "
    "applying the lowest recent recommendation",
    "ScaleDownStabilized": "recent recommendations were higher than current one, "
    "applying the highest recent recommendation",
}
_LIMITED = {
    "ScaleUpLimit": "the desired replica count is increasing faster than the maximum scale rate",
    "ScaleDownLimit": "the desired replica count is decreasing faster than the maximum scale rate",
    "TooManyReplicas": "the desired replica count is more than the maximum replica count",
    "TooFewReplicas": "the desired replica count is less than the minimum replica count",
    "DesiredWithinRange": "the desired count is within the acceptable range",
}


@dataclass
class Past:
    """What one autoscaler remembers: recommendations and changes of size, each with its moment (epoch s)."""

    recommendations: list[tuple[float, int]] = field(default_factory=list)
    changes: list[tuple[float, int]] = field(default_factory=list)

    def changed(self, now: float, by: int) -> None:
        self.changes = [one for one in self.changes if one[0] > now - 3600.0] + [(now, by)]


@dataclass(frozen=True)
class Bounded:
    """The size allowed, and what the conditions AbleToScale and ScalingLimited say: (status, reason, message)."""

    replicas: int
    able: tuple[str, str, str]
    limited: tuple[str, str, str]


def bound(spec: Json, past: Past, current: int, desired: int, now: float) -> Bounded:
    """The size that minimum, maximum, stabilization and policies leave of the one desired."""
    least, most = int(spec.get("minReplicas", 1)), int(spec["maxReplicas"])
    behavior = spec.get("behavior")
    up = {**_UP, **((behavior or {}).get("scaleUp") or {})}
    down = {**_DOWN, **((behavior or {}).get("scaleDown") or {})}
    windows = (up["stabilizationWindowSeconds"], down["stabilizationWindowSeconds"])
    stable = _stabilized(past, current, desired, now, windows, plain=behavior is None)
    reason = "ScaleUpStabilized" if desired >= current else "ScaleDownStabilized"
    if behavior is None:
        reason = "ScaleDownStabilized"
    able = ("True", "ReadyForNewScale", "recommended size matches current size")
    if stable != desired:
        able = ("True", reason, _STABILIZED[reason])
    if behavior is None:
        size, why = _by_doubling(current, stable, least, most)
    else:
        size, why = _by_policies(up, down, past, current, stable, least, most, now)
    return Bounded(size, able, ("False" if size == stable else "True", why, _LIMITED[why]))


def _stabilized(past: Past, current: int, desired: int, now: float, windows: tuple[int, int], *, plain: bool) -> int:
    up, down = windows
    recent = [one for one in past.recommendations if one[0] >= now - max(up, down, _DOWN_WINDOW)]
    highest = max([desired, *(size for at, size in recent if at > now - down)])
    lowest = min([desired, *(size for at, size in recent if at > now - up)])
    past.recommendations = [*recent, (now, desired)]
    return highest if plain else min(max(current, lowest), highest)


def _by_doubling(current: int, desired: int, least: int, most: int) -> tuple[int, str]:
    limit = max(2 * current, 4)
    if desired < least:
        return least, "TooFewReplicas"
    if desired > min(limit, most):
        return min(limit, most), "ScaleUpLimit" if most > limit else "TooManyReplicas"
    return desired, "DesiredWithinRange"


def _by_policies(
    up: Json, down: Json, past: Past, current: int, desired: int, least: int, most: int, now: float
) -> tuple[int, str]:
    if desired > current:
        limit = max(_limit(up, past, current, now, 1), current)
        if desired > min(limit, most):
            return min(limit, most), "ScaleUpLimit" if most > limit else "TooManyReplicas"
    elif desired < current:
        limit = min(_limit(down, past, current, now, -1), current)
        if desired < max(limit, least):
            return max(limit, least), "ScaleDownLimit" if least < limit else "TooFewReplicas"
    return desired, "DesiredWithinRange"


def _limit(rules: Json, past: Past, current: int, now: float, way: int) -> int:
    """The size farthest in a direction (+1, -1) that the policies allow."""
    if rules.get("selectPolicy") == "Disabled":
        return current
    sizes = [_allowed(one, past.changes, current, now, way) for one in rules["policies"]]
    farthest = (max if way > 0 else min)(sizes)
    nearest = (min if way > 0 else max)(sizes)
    return nearest if rules.get("selectPolicy") == "Min" else farthest


def _allowed(policy: Json, changes: Sequence[tuple[float, int]], current: int, now: float, way: int) -> int:
    start = current - sum(by for at, by in changes if at > now - policy["periodSeconds"])
    if policy["type"] == "Pods":
        return start + way * int(policy["value"])
    exact = start * (1 + way * policy["value"] / 100)
    return math.ceil(exact) if way > 0 else int(exact)
