"""FileDescriptorsNearLimit (MET015, state): a process has almost as many files and sockets open as it may.

What: open file descriptors over the limit at or above 90 % (process_open_fds of the Prometheus clients,
process_files_open_files of Micrometer), and not so before the window.

Why it matters: at the limit it can neither accept nor open anything: `too many open files`.

Example: `Processes of 2 pods of gateway have 97 % of their file descriptors open`.

What to do: look for connections or files that are never closed; raise the limit only if so many are needed.
"""

from __future__ import annotations

from collections.abc import Iterable

from autodevops.domain.finding import Finding
from autodevops.investigation.picture import Picture, Saturation
from autodevops.investigation.rules.base import Rule, percent
from autodevops.investigation.rules.pressures import in_pods, pressed


def _words(item: Saturation, count: int) -> str:
    return f"Processes {in_pods(item.subject, count)} have {percent(item.ratio)} of their file descriptors open."


def _check(picture: Picture, earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    return pressed(RULE, picture, earlier, "files", _words)


RULE = Rule("MET015", "FileDescriptorsNearLimit", "state", _check, specificity=0.6, stage=2, documentation=__doc__)
