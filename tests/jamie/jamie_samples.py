"""Investigations written by hand, for the narrators: what they look like in words is the test's business."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from autodevops.domain.evidence import Evidence
from autodevops.domain.finding import Finding, Severity
from autodevops.domain.hypothesis import Claim, Hypothesis, SuggestedAction
from autodevops.domain.investigation import Investigation, MissingEvidence, TimelineEntry
from autodevops.domain.subject import Subject
from autodevops.domain.window import TimeWindow

NOW = datetime(2026, 11, 24, 15, 30, tzinfo=UTC)
WINDOW = TimeWindow.ending(NOW, timedelta(hours=1))
CULPRIT = Subject(kind="Deployment", name="basket", namespace="store", api_version="apps/v1")


def evidence(tool: str, query: str, *, error: str | None = None) -> Evidence:
    return Evidence.record(
        tool=tool,
        arguments={"query": query},
        query=query,
        window=WINDOW,
        data=None if error else {"query": query},
        truncated=False,
        error=error,
        collected_at=NOW,
        duration_ms=3.0,
    )


ERRORS = evidence("prometheus.query_range", "error ratio of basket")
LOGS = evidence("loki.query_logs", '{namespace="store"}')
ROLLOUT = evidence("kubernetes.list_resources", "ReplicaSet namespace=store")
TRACES = evidence("tempo.search_traces", "{ status = error }", error="unavailable: Tempo does not answer. Start it.")


def explained(*, log_line: str = "panic: nil basket", severity: Severity = "error") -> Investigation:
    onset = NOW - timedelta(minutes=18)
    return Investigation(
        id="inv-1",
        question="why are baskets failing?",
        namespace="store",
        subject=CULPRIT,
        window=WINDOW,
        verdict="explained",
        summary="basket fails since its rollout of 2.4.0.",
        hypotheses=(
            Hypothesis(
                reason="BadDeploy",
                subject=CULPRIT,
                confidence=0.87,
                summary="basket fails since its rollout of 2.4.0.",
                supports=(
                    Claim(text="Errors of basket rose from 0.1% to 34%.", evidence=(ERRORS.id,)),
                    Claim(text=f"Its log says {log_line}", evidence=(LOGS.id,)),
                ),
                contradicts=(Claim(text="Latency did not move.", evidence=(ERRORS.id,)),),
                suggested_actions=(
                    SuggestedAction(
                        kind="mitigation",
                        summary="Roll basket back.",
                        command="kubectl -n store rollout undo deployment/basket",
                    ),
                ),
            ),
            Hypothesis(
                reason="DependencyFailure",
                subject=CULPRIT,
                confidence=0.12,
                summary="redis fails basket.",
                supports=(Claim(text="redis is slow.", evidence=(ERRORS.id,)),),
            ),
        ),
        findings=(
            Finding(
                rule_id="r1",
                reason="ErrorRatioRaised",
                subject=CULPRIT,
                severity=severity,
                message="Errors of basket rose.",
                confidence=0.9,
                evidence=(ERRORS.id,),
            ),
        ),
        changes=(),
        timeline=(
            TimelineEntry(
                at=onset - timedelta(minutes=2),
                kind="change",
                subject=CULPRIT,
                text="basket went from 2.3.1 to 2.4.0.",
                evidence=(ROLLOUT.id,),
            ),
            TimelineEntry(at=onset, kind="onset", subject=CULPRIT, text="Errors began to rise.", evidence=(ERRORS.id,)),
        ),
        charts=(),
        evidence=(ERRORS, LOGS, ROLLOUT, TRACES),
        missing=(MissingEvidence(tool=TRACES.tool, query=TRACES.query, error=TRACES.error or "", evidence=TRACES.id),),
    )


def healthy() -> Investigation:
    return Investigation(
        id="inv-2",
        question="is everything ok?",
        namespace="store",
        subject=None,
        window=WINDOW,
        verdict="healthy",
        summary="Nothing in store is out of the ordinary.",
        hypotheses=(),
        findings=(),
        changes=(),
        timeline=(),
        charts=(),
        evidence=(ERRORS, LOGS),
    )


def undetermined() -> Investigation:
    return Investigation(
        id="inv-3",
        question="why?",
        namespace="store",
        subject=None,
        window=WINDOW,
        verdict="undetermined",
        summary="Errors rose in store.",
        hypotheses=(),
        findings=(
            Finding(
                rule_id="r1",
                reason="ErrorRatioRaised",
                subject=CULPRIT,
                severity="error",
                message="Errors of basket rose.",
                confidence=0.9,
                evidence=(ERRORS.id,),
            ),
        ),
        changes=(),
        timeline=(),
        charts=(),
        evidence=(ERRORS, TRACES),
        missing=(MissingEvidence(tool=TRACES.tool, query=TRACES.query, error=TRACES.error or "", evidence=TRACES.id),),
    )
