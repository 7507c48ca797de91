"""RolloutNearOnset (CHG001, change): a workload with trouble of its own was changed just before the trouble began.

What: a rollout of the very workload, at most thirty minutes before the onset of its own findings and not after it
(two minutes are allowed for scrape intervals and for pods that need to start). A rollout elsewhere, or one after the
onset, is listed as a change and blamed for nothing. Where the commits that it brought could be read, their diffs are
compared with what fails (stack frames, names, kinds of edit): a rollout that accounts for it counts though it is
older; one that brought nothing that runs (documents, tests, styles, comments) does not count, nor one beside which the
systems name another cause: a provider that fails, an expired certificate, a node in trouble, a quota, a surge. A
name that is not resolved and a credential that is refused may be what the rollout set, if it changed more than images.

Why it matters: most incidents follow a change, and undoing it is the fastest way out.

Example: `payments revision 14 was rolled out (image ...:1.8.2 -> ...:1.8.3) 1 min before its errors began`.

What to do: roll back first, understand afterwards.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from datetime import datetime, timedelta

from autodevops.analysis.outside_causes import MAY_BE_SETTINGS
from autodevops.domain.finding import Finding
from autodevops.domain.subject import Subject
from autodevops.investigation.picture import Picture, Rollout
from autodevops.investigation.rules.base import Rule
from autodevops.investigation.settings_taken import came_before
from autodevops.investigation.suspects import Inquiry, inquire

BEFORE = timedelta(minutes=30)
AFTER = timedelta(minutes=2)
_HALF_LIFE = timedelta(minutes=15)  # of the suspicion; bad code mostly shows with the first requests
_RESTART_FACTOR = 0.5  # a restart brings no new code, though it reads configuration anew
_TOOK_AN_EDIT = 0.1
_OTHER_ACCOUNTS = 0.5  # another rollout brought what accounts for it
_UNRELATED = 0.85  # its code was read and nothing of it is known to make such a failure
_MAY_BE_IT = 0.5  # it edited more than the image, and the systems name what a wrong setting makes, among other things
_ROLLBACK_FACTOR = 0.5  # going back to what ran before is more often the cure than the illness


def onset_of_trouble(subject: Subject, findings: Iterable[Finding]) -> datetime | None:
    """When a workload's own trouble began: by its golden signals, else by its state, else by its logs."""
    for prefixes in (("MET001", "MET003"), ("K8S", "DB"), ("LOG", "MET")):
        moments = [
            f.onset
            for f in findings
            if f.subject == subject and f.severity != "info" and f.onset is not None and f.rule_id.startswith(prefixes)
        ]
        if moments:
            return min(moments)
    return None


def _check(picture: Picture, earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    for rollout in picture.rollouts:
        onset = onset_of_trouble(rollout.subject, earlier)
        if onset is None or rollout.change.at > onset + AFTER:
            continue
        belief = _belief(rollout, onset, inquire(rollout.subject, onset, picture))
        if belief <= 0:
            continue
        gap = max(timedelta(0), onset - rollout.change.at)
        factor = _restart_factor(rollout, onset, picture) * (_ROLLBACK_FACTOR if rollout.rollback else 1.0)
        minutes = round(gap.total_seconds() / 60)
        distance = f"{minutes} min before" if minutes else "just as"
        verb = "its trouble began"
        yield RULE.finding(
            rollout.subject,
            f"{rollout.change.summary}, {distance} {verb}.",
            severity="warning",
            confidence=belief * factor,
            evidence=rollout.change.evidence,
            onset=rollout.change.at,
        )


def _restart_factor(rollout: Rollout, onset: datetime, picture: Picture) -> float:
    """A restart brings no new code; one that followed an edit of what it reads only took it.

    A rollout for the hash of its settings did too; where the edit is not seen, it is all there is to tell of it. If its
    settings were edited once there was trouble, and no pod has taken that, the restart took what was there before.
    """
    if not (rollout.restart_only or rollout.config_only):
        return 1.0
    read = {edge.target for edge in picture.graph.edges if edge.origin == rollout.subject and edge.how == "reads"}
    taken = any(edit.subject in read and edit.at <= rollout.change.at <= edit.at + BEFORE for edit in picture.edits)
    if rollout.restart_only and not taken:
        later = [edit for edit in picture.edits if edit.subject in read and edit.at > onset]
        return 1.0 if any(came_before(edit, rollout, picture) for edit in later) else _RESTART_FACTOR
    return _TOOK_AN_EDIT if taken else 1.0 if rollout.config_only else _RESTART_FACTOR


def _belief(rollout: Rollout, onset: datetime, inquiry: Inquiry) -> float:
    """By time alone where its code could not be read; by what its code changes where it could."""
    near = onset - BEFORE <= rollout.change.at
    gap = max(timedelta(0), onset - rollout.change.at)
    closeness = math.pow(0.5, gap / _HALF_LIFE) if near else 0.0
    if inquiry.told is not None and inquiry.told[0] == rollout.subject:
        _, at, told = inquiry.told
        # What accounts for the failure may have waited hours for the first request that takes its way.
        return max(closeness, told) if at == rollout.change.at else closeness * _OTHER_ACCOUNTS
    if inquiry.other:
        return closeness * _MAY_BE_IT if rollout.beside_code and inquiry.other in MAY_BE_SETTINGS else 0.0
    if (rollout.subject, rollout.change.at) in inquiry.harmless:
        return 0.0
    return closeness * (_UNRELATED if inquiry.looked_at else 1.0)


RULE = Rule("CHG001", "RolloutNearOnset", "change", _check, specificity=0.6, stage=3, documentation=__doc__)
