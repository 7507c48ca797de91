"""A hand-made investigation with everything in it, hostile text included."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

from autodevops.domain.chart import LogTable, Mark, MetricChart, TraceChart
from autodevops.domain.evidence import Evidence
from autodevops.domain.hypothesis import Claim, Hypothesis, SuggestedAction
from autodevops.domain.investigation import Investigation, MissingEvidence, TimelineEntry
from autodevops.domain.logs import LogRecord
from autodevops.domain.series import Series
from autodevops.domain.subject import Subject
from autodevops.domain.trace import Span, Trace
from autodevops.domain.window import TimeWindow

END = datetime(2026, 11, 24, 4, 0, tzinfo=UTC)
WINDOW = TimeWindow.ending(END, timedelta(minutes=60))
ONSET = END - timedelta(minutes=20)
HOSTILE = "<script>alert(1)</script><img src=http://evil.example/x.png> [x](javascript:alert(1)) </script> **bold**"
DEPLOYMENT = Subject(kind="Deployment", name="payment", namespace="shop", api_version="apps/v1")


def _series(name: str, low: float, high: float, phase: float = 0.0) -> Series:
    samples = []
    for step in range(121):
        at = WINDOW.start + timedelta(seconds=30 * step)
        wobble = 1 + 0.15 * math.sin(step / 3 + phase) + 0.06 * math.sin(step * 1.7 + phase)
        samples.append((at.timestamp(), (high if at >= ONSET else low) * wobble))
    return Series(labels={"service": name}, samples=tuple(samples))


def investigation() -> Investigation:
    evidence = Evidence.record(
        tool="prometheus.query_range",
        arguments={"query": "x"},
        query='sum by (service) (rate(http_server_request_duration_seconds_count{namespace="shop"}[2m]))',
        window=WINDOW,
        data={"x": 1},
        truncated=False,
        error=None,
        collected_at=END,
        duration_ms=12.5,
    )
    ids = (evidence.id,)
    marks = (
        Mark(at=ONSET - timedelta(minutes=1), kind="change", label="payment 1.8.2 → 1.9.0"),
        Mark(at=ONSET, kind="onset", label="errors begin"),
        Mark(at=ONSET + timedelta(minutes=4), kind="alert", label="HighErrorRate <b>firing</b>"),
    )
    names = ("payment", "checkout", "frontend", "cart", "catalog", "shipping", "email", "ads", "currency")
    errors = tuple(
        _series(n, 0.002, (0.31, 0.22, 0.09)[i] if i < 3 else 0.002 + i / 2000, i) for i, n in enumerate(names)
    )
    latency = tuple(
        _series(n, 0.05 + i / 100, (0.6, 0.5, 0.3)[i] if i < 3 else 0.06 + i / 100, i) for i, n in enumerate(names)
    )
    memory = (_series("payment-7c9d5-x2x", 210 * 2**20, 214 * 2**20),)
    spans = (
        _span("a", "", "frontend", "POST /checkout", 0, 412, "error"),
        _span("b", "a", "checkout", "checkout.PlaceOrder", 8, 398, "error"),
        _span("c", "b", "cart", "GET /cart", 12, 21, "unset"),
        _span("d", "b", "payment", "POST /charge", 60, 330, "error"),
        _span("e", "d", "payment", "SELECT cards", 75, 14, "unset"),
    )
    records = tuple(
        LogRecord(
            timestamp=END - timedelta(seconds=9 * n),
            severity="error",
            body=HOSTILE if n == 0 else f'{{"msg":"charge failed: card_token is None","attempt":{n}}}',
            attributes={"pod": "payment-7c9d5-x2x"},
            trace_id="4bf92f3577b34da6a3ce929d0e0e4736",
        )
        for n in range(4)
    )
    return Investigation(
        id="inv-1",
        question="",
        namespace="shop",
        subject=None,
        window=WINDOW,
        verdict="explained",
        summary="The rollout of payment 1.9.0 at 03:39 UTC raised its error ratio from 0.2 % to 31 %.",
        hypotheses=(
            Hypothesis(
                reason="BadDeploy",
                subject=DEPLOYMENT,
                confidence=0.93,
                summary="Errors of payment began one minute after its rollout to 1.9.0.",
                supports=(Claim(text="31 % of requests fail since 03:40 UTC", evidence=ids),),
                contradicts=(Claim(text="one pod of the old version fails too", evidence=ids),),
                suggested_actions=(
                    SuggestedAction(
                        kind="mitigation",
                        summary="Go back to revision 11",
                        command="kubectl -n shop rollout undo deployment/payment",
                    ),
                ),
            ),
        ),
        findings=(),
        changes=(),
        timeline=(TimelineEntry(at=ONSET, kind="onset", subject=DEPLOYMENT, text=HOSTILE, evidence=ids),),
        charts=(
            MetricChart(title="Error ratio", unit="1", series=errors, legend="service", marks=marks, evidence=ids),
            MetricChart(title="Latency p95", unit="s", series=latency, legend="service", marks=marks, evidence=ids),
            MetricChart(title="Working set", unit="By", series=memory, marks=marks[:1], evidence=ids),
            TraceChart(title="A failed checkout", trace=Trace(trace_id="4bf92f", spans=spans), evidence=ids),
            LogTable(title="Newest errors of payment", records=records, evidence=ids),
        ),
        evidence=(evidence,),
        missing=(
            MissingEvidence(
                tool="tempo.search", query="{status=error}", error="unavailable: no answer", evidence=ids[0]
            ),
        ),
    )


def _span(span_id: str, parent: str, service: str, name: str, start: int, length: float, status: str) -> Span:
    return Span.model_validate(
        {
            "span_id": span_id,
            "parent_span_id": parent,
            "service": service,
            "name": name,
            "start": END + timedelta(milliseconds=start),
            "duration_ms": length,
            "status": status,
            "status_message": HOSTILE if span_id == "d" else "",
        }
    )
