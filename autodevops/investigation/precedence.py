"""Why one candidate comes before the next, in words: what of the weighing made the difference."""

from __future__ import annotations

from typing import Final

from autodevops.domain.hypothesis import Claim
from autodevops.investigation.confidence import WEIGHTS
from autodevops.investigation.grounds import join
from autodevops.investigation.rules import BY_ID
from autodevops.investigation.weigh import Candidate

_WORDS: Final = {
    "symptom": "what is wrong with it is graver",
    "state": "{why} explains more by itself",
    "origin": "failing or slow requests start in it",
    "change": "it was changed just before its trouble",
    "detail": "its logs hold an error that is new",
    "first": "its trouble began first",
    "reach": "more of the others depend on it",
    "explained": "what {other} depends on accounts for {other}",
    "exonerated": "in the failing traces no error starts in {other}",
}
_COUNTS: Final = 0.15  # of the weighing's score; less decides nothing
_MOST: Final = 2


def why_before(candidate: Candidate, following: Candidate) -> Claim | None:
    """What most sets `candidate` apart from the one that follows; None where nothing does."""
    gains = {name: weight * (candidate.factors[name] - following.factors[name]) for name, weight in WEIGHTS.items()}
    telling = sorted((name for name, gain in gains.items() if gain >= _COUNTS), key=lambda name: (-gains[name], name))
    other = following.subject.name
    if other == candidate.subject.name:
        other = f"{following.subject.kind} {other}"
    reasons = [_WORDS[name].format(other=other, why=_state(candidate)) for name in telling[:_MOST]]
    if not reasons:
        return None
    cited = (*candidate.findings, *following.findings)
    return Claim(
        text=f"It comes before {other}: {join(reasons)}.",
        evidence=tuple(dict.fromkeys(evidence for finding in cited for evidence in finding.evidence)),
    )


def _state(candidate: Candidate) -> str:
    states = [f for f in candidate.findings if BY_ID[f.rule_id].role == "state"]
    most = max(states, key=lambda f: (BY_ID[f.rule_id].specificity * f.confidence, f.reason), default=None)
    return most.reason if most is not None else "its state"
