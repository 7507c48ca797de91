"""Jamie's health as Prometheus reads it: a sink that counts turns, and the text of `/metrics`.

Serving the text is a surface's business. A registry of its own: two agents in one process do not add up by accident.
"""

from __future__ import annotations

from autodevops.domain.turn_health import TurnHealth

_SECONDS = (0.01, 0.025, 0.05, 0.1, 0.15, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)


class JamieMetrics:
    """A `TurnSink`."""

    def __init__(self) -> None:
        from prometheus_client import CollectorRegistry, Counter, Histogram

        self._registry = CollectorRegistry()
        registry = self._registry
        self._turns = Counter(
            "autodevops_jamie_turns",
            "Turns, by what was asked and how they ended.",
            ["intent", "outcome", "narrator"],
            registry=registry,
        )
        self._whole = Histogram(
            "autodevops_jamie_turn_duration_seconds",
            "From question to answer.",
            ["intent"],
            buckets=_SECONDS,
            registry=registry,
        )
        self._first = Histogram(
            "autodevops_jamie_first_token_seconds",
            "From question to the first word.",
            buckets=_SECONDS,
            registry=registry,
        )
        self._stages = Histogram(
            "autodevops_jamie_stage_duration_seconds",
            "By stage. Context, engine and narration are without what they waited for; own is all but tools and model.",
            ["stage"],
            buckets=_SECONDS,
            registry=registry,
        )
        self._calls = Counter("autodevops_jamie_tool_calls", "Tool calls made for turns.", registry=registry)
        self._errors = Counter("autodevops_jamie_tool_errors", "Tool calls without an answer.", registry=registry)

    def record(self, turn: TurnHealth) -> None:
        self._turns.labels(turn.intent or "unknown", turn.outcome, turn.narrator or "none").inc()
        self._calls.inc(turn.tool_calls)
        self._errors.inc(turn.tool_errors)
        if turn.outcome == "cancelled":
            return  # how long somebody waited before giving up is no response time
        self._whole.labels(turn.intent or "unknown").observe(turn.total_ms / 1000)
        if turn.first_token_ms is not None:
            self._first.observe(turn.first_token_ms / 1000)
        for stage, spent in (
            ("context", turn.context_ms),
            ("tools", turn.tools_ms),
            ("engine", turn.engine_ms),
            ("narration", turn.narration_ms),
            ("model", turn.model_ms),
            ("own", turn.own_ms),
        ):
            self._stages.labels(stage).observe(spent / 1000)

    def render(self) -> str:
        from prometheus_client import generate_latest

        return generate_latest(self._registry).decode("utf-8")
