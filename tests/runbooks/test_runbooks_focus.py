"""What a runbook about one problem shows of an investigation: its own, and where the trouble is another."""

from __future__ import annotations

import pytest
from runbooks.investigations import DEPLOYMENT, END, HOSTILE, investigation

from autodevops.domain.finding import Finding
from autodevops.domain.investigation import Investigation, MissingEvidence
from autodevops.domain.subject import Subject
from autodevops.kernel.errors import ToolUnavailable
from autodevops.runbooks.focus import findings, focus, headline, read

POD = Subject(kind="Pod", name="payment-7c9d5-x2x", namespace="shop", api_version="v1")
OTHER = Subject(kind="Pod", name="payments-1", namespace="shop", api_version="v1")


def finding(reason: str, subject: Subject, **more: object) -> Finding:
    fields = {"rule_id": "K8S001", "severity": "error", "message": f"{subject.name} has {reason}.", "confidence": 0.8}
    return Finding.model_validate({**fields, "reason": reason, "subject": subject, "evidence": ["ev-1"], **more})


def whole(*seen: Finding, verdict: str = "explained", away: bool = False) -> Investigation:
    missing = (MissingEvidence(evidence="ev-2", tool="loki.query_logs", query="x", error="it is away"),) if away else ()
    return investigation().model_copy(update={"findings": seen, "verdict": verdict, "missing": missing})


def test_a_name_takes_its_pods_along_and_nobody_elses() -> None:
    seen = (finding("OOMKilled", DEPLOYMENT), finding("OOMKilled", POD), finding("OOMKilled", OTHER))
    chosen = focus(whole(*seen), name="payment")
    assert [one.subject for one in chosen.findings] == [DEPLOYMENT, POD]
    assert focus(whole(*seen), ("ImageNotFound",)).findings == ()
    assert {one.subject.name for one in chosen.hypotheses} <= {"payment"}
    assert focus(whole(*seen)) == whole(*seen)


@pytest.mark.parametrize(
    ("reasons", "verdict", "away", "said"),
    [
        (("OOMKilled",), "explained", False, "**Found.** payment has OOMKilled."),
        (("ImageNotFound",), "explained", False, "**Not this problem.** Images come."),
        (("ImageNotFound",), "healthy", False, "**All is well.** Images come."),
        (("ImageNotFound",), "healthy", True, "**Nothing found, as far as could be seen.** Images come."),
        (("OOMKilled",), "healthy", False, "Noted, without harm to anybody: payment has OOMKilled."),
    ],
)
def test_first_line_says_which_trouble_there_is(reasons: tuple[str, ...], verdict: str, away: bool, said: str) -> None:
    found = whole(finding("OOMKilled", DEPLOYMENT), verdict=verdict, away=away)
    text = headline(focus(found, reasons), found, well="Images come.")
    assert said in text
    assert ("loki left queries without an answer" in text) == away


def test_what_is_over_or_only_noted_is_in_the_table_and_not_in_the_first_line() -> None:
    found = whole(finding("OOMKilled", POD, ended=END), finding("OOMKilled", DEPLOYMENT, severity="info"))
    assert "Not this problem" in headline(focus(found, ("OOMKilled",)), found, well="No one was killed.")
    table = findings(found)
    assert list(table["subject"]) == [str(POD), str(DEPLOYMENT)]
    assert list(table["until (UTC)"]) == [f"{END:%H:%M:%S}", ""]


def test_words_of_others_stay_text() -> None:
    found = whole(finding("OOMKilled", DEPLOYMENT, message=HOSTILE))
    assert "<script>" not in headline(focus(found, ("OOMKilled",)), found, well="").replace("\\<script\\>", "")


def test_a_system_that_is_away_gives_a_table_that_says_why() -> None:
    def away() -> None:
        raise ToolUnavailable("Kubernetes does not answer.", "Check its address.")

    table = read("pods", away)
    assert table is not None
    assert list(table["not seen"]) == ["pods"]
    assert "does not answer" in table["why"][0]
    assert read("pods", lambda: 3) == 3
