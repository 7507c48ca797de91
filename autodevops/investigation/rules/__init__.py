"""The rules, each in a file of its own whose docstring is its documentation page.

They run in three stages: symptoms and states from the picture alone; then what needs to know who suffers; then what
needs to know when it began, or what is new in the logs. A rule sees the findings of earlier stages and never asks
the world.
"""

from __future__ import annotations

from collections.abc import Iterator

from autodevops.domain.finding import Finding
from autodevops.investigation.picture import Picture
from autodevops.investigation.rules import (
    alert_firing,
    container_config,
    cpu_throttled,
    crash_loop,
    error_logs_new,
    error_rate_high,
    error_rate_increased,
    errors_start,
    failed_create,
    failed_scheduling,
    image_pull,
    last_words,
    latency_increased,
    memory_near_limit,
    node_not_ready,
    oom_killed,
    probe_failing,
    replicas_unavailable,
    rollout_near_onset,
    slow_spans,
    traffic_changed,
)
from autodevops.investigation.rules.base import Rule

RULES: tuple[Rule, ...] = tuple(
    sorted(
        (
            module.RULE
            for module in (
                alert_firing,
                container_config,
                cpu_throttled,
                crash_loop,
                error_logs_new,
                error_rate_high,
                error_rate_increased,
                errors_start,
                failed_create,
                failed_scheduling,
                image_pull,
                last_words,
                latency_increased,
                memory_near_limit,
                node_not_ready,
                oom_killed,
                probe_failing,
                replicas_unavailable,
                rollout_near_onset,
                slow_spans,
                traffic_changed,
            )
        ),
        key=lambda rule: (rule.stage, rule.id),
    )
)

BY_REASON: dict[str, Rule] = {rule.reason: rule for rule in RULES}


def apply_stage(stage: int, picture: Picture, earlier: tuple[Finding, ...]) -> Iterator[Finding]:
    """The findings of one stage's rules, in order of rule id."""
    for rule in RULES:
        if rule.stage == stage:
            yield from rule.check(picture, earlier)


LAST_STAGE = max(rule.stage for rule in RULES)
