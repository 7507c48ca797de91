# ruff: noqa: E501  # queries and log lines are as long as they are
"""A turn as a real one looks, for tests of the widgets alone: a bad deploy of one service, seen from the events."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

from autodevops.domain.change import Change
from autodevops.domain.chart import LogTable, MapCall, MapService, Mark, MetricChart, ServiceMap, TraceChart
from autodevops.domain.evidence import Evidence
from autodevops.domain.finding import Finding
from autodevops.domain.hypothesis import Claim, Hypothesis, SuggestedAction
from autodevops.domain.investigation import Investigation, MissingEvidence, TimelineEntry
from autodevops.domain.logs import LogRecord
from autodevops.domain.series import Series
from autodevops.domain.stream import (
    AnswerCompleted,
    ChartReady,
    ContextRetrieved,
    FindingRaised,
    TextDelta,
    ToolCallFinished,
    ToolCallStarted,
    TurnEvent,
    TurnStarted,
)
from autodevops.domain.subject import Subject
from autodevops.domain.trace import Span, Trace
from autodevops.domain.window import TimeWindow

NOW = datetime(2026, 11, 24, 9, 45, tzinfo=UTC)
ONSET = NOW - timedelta(minutes=19)
WINDOW = TimeWindow.ending(NOW, timedelta(minutes=60))
PAYMENT = Subject(kind="Deployment", name="payment", namespace="shop", api_version="apps/v1")
CHECKOUT = Subject(kind="Service", name="checkout", api_version="opentelemetry.io")

_CALLS: tuple[tuple[str, dict[str, str | int], str, object, str | None, float], ...] = (
    (
        "prometheus.query_range",
        {
            "query": 'sum by (service) (rate(http_server_request_duration_seconds_count{namespace="shop",http_response_status_code=~"5.."}[2m]))',
            "step": 30,
        },
        'sum by (service) (rate(http_server_request_duration_seconds_count{namespace="shop",http_response_status_code=~"5.."}[2m]))',
        {"result_type": "matrix", "series": [{"labels": {"service": "payment"}, "samples": [[1764.0, 0.31]]}]},
        None,
        41.2,
    ),
    (
        "kubernetes.get_rollout_history",
        {"kind": "Deployment", "namespace": "shop", "name": "payment"},
        "deployment/payment -n shop",
        {"revisions": [{"revision": 7, "images": {"payment": "registry.example/shop/payment:2.4.0"}}]},
        None,
        88.9,
    ),
    (
        "loki.query_range",
        {"query": '{namespace="shop", app="payment"} | json | level="error"', "limit": 100},
        '{namespace="shop", app="payment"} | json | level="error"',
        {"records": [{"body": "card processor rejected request: <b>unknown field</b> 'currency'"}]},
        None,
        63.0,
    ),
    (
        "tempo.search_traces",
        {"query": '{ resource.service.name = "checkout" && status = error }'},
        '{ resource.service.name = "checkout" && status = error }',
        {"traces": [{"trace_id": "4bf92f3577b34da6a3ce929d0e0e4736"}]},
        None,
        112.4,
    ),
    (
        "github.get_pull",
        {"repository": "acme/shop", "number": 412},
        "acme/shop#412",
        {"pull": {"title": "payment: send currency to the card processor"}},
        None,
        140.7,
    ),
    (
        "prometheus.list_alerts",
        {"state": "firing"},
        "ALERTS",
        None,
        "timeout: Alertmanager did not answer in 10 s.",
        10000.0,
    ),
)

EVIDENCE = tuple(
    Evidence.record(
        tool=tool,
        arguments=dict(arguments),
        query=query,
        window=WINDOW,
        data=data,  # type: ignore[arg-type]  # JSON written by hand above
        truncated=False,
        error=error,
        collected_at=NOW,
        duration_ms=duration,
    )
    for tool, arguments, query, data, error, duration in _CALLS
)
METRICS, ROLLOUT, LOGS, TRACES, PULL, ALERTS = (item.id for item in EVIDENCE)

_PREVIEWS = (
    "9 series; payment rises from 0 to 4.1/s at 09:26",
    "revision 7 of 7, created 09:25:40, image payment:2.4.0 (was 2.3.9)",
    "100 records, newest 09:44:58, 1 pattern covers 97 %",
    "20 traces, slowest 1.84 s",
    "merged 09:21 by dev-ana, 3 files",
    "timeout: Alertmanager did not answer in 10 s.",
)

TEXT = f"""**Checkout fails because `payment` 2.4.0 rejects card requests since 09:26 UTC.** It was rolled out 40 seconds before the first errors. [{METRICS}] [{ROLLOUT}]

- The error rate of `payment` went from 0 to **4.1 requests/s** at 09:26, that of `checkout` followed within a minute. [{METRICS}]
- 97 % of its error lines say the same: `unknown field 'currency'` in `CardProcessor.charge`. [{LOGS}]
- In failing traces the error starts in `payment` and travels up to `checkout` and `frontend`. [{TRACES}]
- Pull request #412 added that field, merged at 09:21. [{PULL}]

Rolling back is the quickest way out: revision 6 ran for nine days without this error. [{ROLLOUT}]
"""


def _series(name: str, level: float, after: float) -> Series:
    samples: list[tuple[float, float | None]] = []
    for index in range(120):
        moment = WINDOW.start + timedelta(seconds=30 * index)
        ramp = min(max((moment - ONSET).total_seconds() / 120, 0.0), 1.0)
        wave = 1 + 0.12 * math.sin(index / 3 + level * 7) + 0.05 * math.sin(index * 1.7 + after)
        samples.append((moment.timestamp(), (level + ramp * after) * wave))
    return Series(labels={"service": name, "namespace": "shop"}, samples=tuple(samples))


_MARKS = (
    Mark(at=ONSET - timedelta(seconds=40), kind="change", label="payment 2.4.0"),
    Mark(at=ONSET, kind="onset", label="errors start"),
    Mark(at=ONSET + timedelta(minutes=5), kind="alert", label="HighErrorRate"),
)

ERRORS_CHART = MetricChart(
    title="Failed requests by service",
    unit="{request}/s",
    series=(
        _series("payment", 0.02, 4.1),
        _series("checkout", 0.05, 3.2),
        _series("frontend", 0.03, 2.4),
        _series("cart", 0.02, 0.0),
    ),
    legend="service",
    marks=_MARKS,
    evidence=(METRICS,),
)
LATENCY_CHART = MetricChart(
    title="Latency p95 by service",
    unit="s",
    series=(_series("payment", 0.12, 0.9), _series("checkout", 0.21, 1.1), _series("cart", 0.08, 0.0)),
    legend="service",
    marks=_MARKS[:2],
    evidence=(METRICS,),
)


def _span(
    number: int, parent: int, service: str, name: str, start_ms: float, duration_ms: float, error: bool = False
) -> Span:
    return Span(
        span_id=f"{number:016x}",
        parent_span_id=f"{parent:016x}" if parent else "",
        service=service,
        name=name,
        kind="server" if number % 2 else "client",
        start=ONSET + timedelta(minutes=8, milliseconds=start_ms),
        duration_ms=duration_ms,
        status="error" if error else "unset",
        status_message="card processor rejected request" if error and service == "payment" else "",
        attributes={"http.request.method": "POST", "http.response.status_code": 500 if error else 200},
        resource={"service.name": service, "k8s.namespace.name": "shop"},
    )


TRACE_CHART = TraceChart(
    title="A failing checkout",
    trace=Trace(
        trace_id="4bf92f3577b34da6a3ce929d0e0e4736",
        spans=(
            _span(1, 0, "frontend", "POST /checkout", 0, 1840, error=True),
            _span(2, 1, "frontend", "POST checkout", 12, 1815, error=True),
            _span(3, 2, "checkout", "POST /api/checkout", 20, 1800, error=True),
            _span(4, 3, "checkout", "GET cart", 31, 64),
            _span(5, 4, "cart", "GET /api/cart", 35, 55),
            _span(6, 5, "cart", "HGETALL redis", 41, 22),
            _span(8, 3, "checkout", "POST payment", 130, 1660, error=True),
            _span(9, 8, "payment", "POST /api/charge", 138, 1640, error=True),
            _span(10, 9, "payment", "CardProcessor.charge", 160, 1590, error=True),
        ),
    ),
    evidence=(TRACES,),
)
_LINES = (
    (
        "error",
        '{"level":"error","msg":"charge failed: unknown field \'currency\'","trace_id":"4bf92f3577b34da6a3ce929d0e0e4736","stack":"CardProcessor.charge (card.go:118)\\n  PaymentServer.Charge (server.go:64)"}',
    ),
    ("warn", '{"level":"warn","msg":"retrying charge, attempt 2 of 3"}'),
    ("info", '{"level":"info","msg":"<script>alert(1)</script> order received"}'),
    ("debug", "plain text line: pool size 12"),
)
MAP = ServiceMap(
    title="calls",
    services=(
        MapService(id="web", name="web"),
        MapService(id="pay", name="pay", error_ratio=0.3, latency_s=0.06),
        MapService(id="cache", name="cache", kind="dependency"),
    ),
    calls=(
        MapCall(caller="web", callee="pay", count=9, failed=3, latency_s=0.065),
        MapCall(caller="pay", callee="cache", count=9, failed=0, latency_s=0.004),
    ),
    evidence=(),
)
LOG_TABLE = LogTable(
    title="Errors of payment",
    records=tuple(
        LogRecord(
            timestamp=NOW - timedelta(seconds=7 * index),
            body=_LINES[index % 4][1],
            severity=_LINES[index % 4][0],
            attributes={"namespace": "shop", "pod": f"payment-7d9c-{index % 3}", "app": "payment"},
            trace_id="4bf92f3577b34da6a3ce929d0e0e4736" if index % 4 == 0 else "",
        )
        for index in range(24)
    ),
    evidence=(LOGS,),
)
FINDINGS = (
    Finding(
        rule_id="metrics.error-rate-step",
        reason="ErrorRateRaised",
        subject=PAYMENT,
        severity="critical",
        message="5xx of payment went from 0 to 4.1/s.",
        confidence=0.97,
        evidence=(METRICS,),
        onset=ONSET,
    ),
    Finding(
        rule_id="changes.rollout-before-onset",
        reason="RolloutBeforeOnset",
        subject=PAYMENT,
        severity="error",
        message="Revision 7 of payment started 40 s before the errors.",
        confidence=0.94,
        evidence=(ROLLOUT, METRICS),
        onset=ONSET,
    ),
    Finding(
        rule_id="traces.error-origin",
        reason="CallerSuffers",
        subject=CHECKOUT,
        severity="warning",
        message="checkout fails only where it calls payment.",
        confidence=0.88,
        evidence=(TRACES,),
    ),
)
INVESTIGATION = Investigation(
    id="inv-1",
    question="Why are checkouts failing?",
    namespace="shop",
    subject=CHECKOUT,
    window=WINDOW,
    verdict="explained",
    summary="The rollout of payment 2.4.0 made its card requests fail.",
    hypotheses=(
        Hypothesis(
            reason="BadRollout",
            subject=PAYMENT,
            confidence=0.93,
            summary="The rollout of payment 2.4.0 at 09:25 made its card requests fail.",
            supports=(
                Claim(text="Errors start 40 s after revision 7 was created.", evidence=(METRICS, ROLLOUT)),
                Claim(text="The only new error message names code the release added.", evidence=(LOGS, PULL)),
                Claim(text="In failing traces payment is the deepest failing span.", evidence=(TRACES,)),
            ),
            contradicts=(Claim(text="One of three pods has no restarts.", evidence=(ROLLOUT,)),),
            suggested_actions=(
                SuggestedAction(
                    kind="mitigation",
                    summary="Roll back payment to revision 6.",
                    command="kubectl -n shop rollout undo deployment/payment --to-revision=6",
                ),
                SuggestedAction(
                    kind="remediation", summary="Revert pull request #412, or send the field the processor knows."
                ),
            ),
        ),
        Hypothesis(
            reason="DependencyFailure",
            subject=CHECKOUT,
            confidence=0.21,
            summary="The card processor itself changed its interface.",
            supports=(Claim(text="The message comes from the processor's answer.", evidence=(LOGS,)),),
            contradicts=(Claim(text="Pods of the old revision were not refused.", evidence=(LOGS,)),),
        ),
    ),
    findings=FINDINGS,
    changes=(
        Change(
            kind="rollout",
            subject=PAYMENT,
            at=ONSET - timedelta(seconds=40),
            summary="payment 2.3.9 to 2.4.0",
            reference="revision 7",
            evidence=(ROLLOUT,),
        ),
    ),
    timeline=(
        TimelineEntry(
            at=ONSET - timedelta(minutes=5),
            kind="change",
            subject=PAYMENT,
            text="Pull request #412 merged.",
            evidence=(PULL,),
        ),
        TimelineEntry(
            at=ONSET - timedelta(seconds=40),
            kind="change",
            subject=PAYMENT,
            text="Revision 7 rolled out (2.4.0).",
            evidence=(ROLLOUT,),
        ),
        TimelineEntry(at=ONSET, kind="onset", subject=PAYMENT, text="Errors start.", evidence=(METRICS,)),
    ),
    charts=(ERRORS_CHART, LATENCY_CHART),
    evidence=EVIDENCE,
    missing=(
        MissingEvidence(
            tool="prometheus.list_alerts", query="ALERTS", error="Alertmanager did not answer in 10 s.", evidence=ALERTS
        ),
    ),
)


def events(question: str = "Why are checkouts failing?") -> list[TurnEvent]:
    """The whole turn."""
    stream: list[TurnEvent] = [
        TurnStarted(question=question),
        ContextRetrieved(
            intent="explain failure",
            namespace="shop",
            subject="Service checkout",
            window="last 60 min to 2026-11-24 09:45 UTC",
        ),
    ]
    for number, call in enumerate(_CALLS):
        stream.append(ToolCallStarted(call_id=f"c{number}", tool=call[0], arguments=dict(call[1]), query=call[2]))
    for number, (item, preview) in enumerate(zip(EVIDENCE, _PREVIEWS, strict=True)):
        stream.append(
            ToolCallFinished(
                call_id=f"c{number}", evidence=item.id, ok=item.ok, preview=preview, duration_ms=item.duration_ms
            )
        )
    stream.extend(FindingRaised(finding=finding) for finding in FINDINGS)
    stream.extend(ChartReady(chart=chart) for chart in (ERRORS_CHART, LATENCY_CHART, TRACE_CHART, LOG_TABLE))
    stream.extend(TextDelta(text=TEXT[at : at + 12]) for at in range(0, len(TEXT), 12))
    stream.append(
        AnswerCompleted(
            text=TEXT,
            narrator="built-in",
            evidence=EVIDENCE,
            investigation=INVESTIGATION,
            follow_ups=(
                "Show the error logs of payment",
                "What did pull request #412 change?",
                "Which pods are affected?",
            ),
        )
    )
    return stream


async def ask(question: str, _selection: object = None) -> AsyncIterator[TurnEvent]:
    """An `ask` that plays the turn back."""
    for event in events(question):
        await asyncio.sleep(0)
        yield event
