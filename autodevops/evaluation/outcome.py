"""What one scenario came to: the truth, what was answered, and which of it was right.

Subjects and reasons are judged apart: whoever names the right object has told a person where to look, whatever the
word for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from autodevops.domain.investigation import Investigation, Verdict
from autodevops.domain.subject import Subject
from autodevops.evaluation.suite import Half, half_of
from autodevops.sandbox.world.scenario import Scenario
from autodevops.sandbox.world.scenario import Subject as TrueSubject

OF_TELEMETRY = "opentelemetry.io"  # a Service of this version is a service.name, not the Kubernetes object

Owners = Mapping[tuple[str, str, str], tuple[str, str, str]]
"""(kind, namespace, name) of an object to that of its controller, of every object there ever was.

What runs elsewhere has no object: each name that telemetry may have for it, under `OF_TELEMETRY`, leads to its Service.
"""


@dataclass(frozen=True)
class Answer:
    """One hypothesis. `right` is about the subject alone. `cause` says which of several causes, 0 being the first.
    `apart`: it comes later, and the engine knows nothing that connects it to a likelier one."""

    reason: str
    kind: str
    name: str
    confidence: float
    right: bool
    cause: int = 0
    apart: bool = False


@dataclass(frozen=True)
class Outcome:
    """`own_ms` is processor time of the workbench's thread: engine, toolbox and MCP servers, without the Kubernetes
    server's worker threads. `wall_ms` has the sandbox's answers in it as well. `missing` counts the tool calls that
    failed."""

    scenario: str
    group: str
    half: Half
    true_verdict: Verdict
    true_reason: str
    true_kind: str
    true_name: str
    verdict: Verdict
    answers: tuple[Answer, ...]
    missing: int
    own_ms: float
    wall_ms: float
    further_reasons: tuple[str, ...] = ()  # of the second cause on, where there are several

    @property
    def faulty(self) -> bool:
        """Whether there is something to find."""
        return bool(self.true_name)

    @property
    def top1(self) -> bool:
        return any(one.right for one in self.answers[:1])

    @property
    def top3(self) -> bool:
        return any(one.right for one in self.answers[:3])

    @property
    def reason_right(self) -> bool:
        """The first answer has the right subject and the right reason."""
        if not self.top1:
            return False
        first = self.answers[0]
        return first.reason == (self.true_reason, *self.further_reasons)[first.cause]

    @property
    def average_precision(self) -> float:
        """The mean, over all causes, of the precision down to the answer that first names it; 0 for one not named.

        Who names all causes first has 1, however many lesser answers follow; each wrong one before costs.
        """
        named: set[int] = set()
        precisions = 0.0
        for place, one in enumerate(self.answers, 1):
            if one.right and one.cause not in named:
                named.add(one.cause)
                precisions += len(named) / place
        return precisions / (1 + len(self.further_reasons))

    @property
    def false_blame(self) -> bool:
        """Something is accused, however quietly, where all is well."""
        return not self.faulty and bool(self.answers)

    @property
    def abstained(self) -> bool:
        return self.verdict == "undetermined"

    @property
    def unseen(self) -> bool:
        """Called healthy with a fault in it."""
        return self.faulty and self.verdict == "healthy"


def judge(
    scenario: Scenario, investigation: Investigation, owners: Owners, *, own_ms: float, wall_ms: float
) -> Outcome:
    truth = scenario.truth
    subject = truth.subject
    answers = []
    for one in investigation.hypotheses:
        cause = next((index for index, true in enumerate(truth.subjects) if is_it(one.subject, true, owners)), None)
        named = one.subject
        right = cause is not None
        answers.append(Answer(one.reason, named.kind, named.name, one.confidence, right, cause or 0, one.apart))
    return Outcome(
        scenario=scenario.name,
        group=scenario.group,
        half=half_of(scenario.name),
        true_verdict=truth.verdict,
        true_reason=truth.reason,
        true_kind=subject.kind if subject else "",
        true_name=subject.name if subject else "",
        verdict=investigation.verdict,
        answers=tuple(answers),
        missing=len(investigation.missing),
        own_ms=own_ms,
        wall_ms=wall_ms,
        further_reasons=tuple(one.reason for one in truth.also),
    )


def is_it(named: Subject, truth: TrueSubject | None, owners: Owners) -> bool:
    """Whether `named` is the true subject by kind and name, or an object that it controls (a Deployment's pod)."""
    if truth is None:
        return False
    key: tuple[str, str, str] | None = (named.kind, named.namespace, named.name)
    if named.api_version.startswith(OF_TELEMETRY):
        key = owners.get((OF_TELEMETRY, "", named.name))
    while key is not None:
        if (key[0], key[2]) == (truth.kind, truth.name):
            return True
        key = owners.get(key)
    return False
