"""Why a container ends before it has begun: what the runtime says of its command, and its own last words.

The runtime's sentence is in the waiting state (RunContainerError), then in the last end of the container (StartError,
ContainerCannotRun), and in events Failed. What a shell or the program itself says is in its log. The exit codes 126 and
127 are the shell's convention, and count where nothing else is said.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from autodevops.domain.evidence import EvidenceId
from autodevops.domain.finding import Finding
from autodevops.domain.subject import Subject
from autodevops.investigation.inventory import items
from autodevops.investigation.picture import Picture
from autodevops.investigation.rollouts import parse_time
from autodevops.investigation.rules.base import Rule
from autodevops.investigation.rules.pods import ContainerState, containers, count_of, created, events, is_recent
from autodevops.investigation.rules.said import telling

# What the runtime says. `exec: "x": ...` is Go's; runc and crun differ in what stands before.
_BY_RUNTIME: Final = (
    ("user", re.compile(r"unable to find (?:user|group) |no (?:users|groups) found|no matching entries in ")),
    ("memory", re.compile(r"init was OOM-killed")),  # OOMKilled tells it
    ("architecture", re.compile(r"exec format error")),
    ("mount", re.compile(r"error mounting |failed to prepare subPath|not a directory: unknown|to rootfs at", re.I)),
    ("forbidden", re.compile(
        r'exec: "[^"]+": (?:permission denied|is a directory)|executable: [Pp]ermission denied'
        r"|chdir to cwd .*permission denied"
    )),
    ("absent", re.compile(r"executable file .*not found|^(?!.*cgroup configuration).*no such file or directory")),
)  # fmt: skip
# What shells, loaders and argument parsers say.
_BY_WORDS: Final = (
    ("architecture", re.compile(r"exec format error|cannot execute binary file", re.I)),
    ("absent by itself", re.compile(r"^(?:standard_init_linux\S* )?exec (?:/\S+|user process caused): no such file")),
    ("absent", re.compile(r"command not found|: not found$|^(?!.*shared libraries).*No such file or directory$")),
    ("denied", re.compile(r"permission denied|EACCES|operation not permitted", re.I)),
)  # fmt: skip
_BY_CODE: Final = {127: "absent", 126: "forbidden"}
_STARTED: Final = {"CrashLoopBackOff", "RunContainerError", "CreateContainerError", "CreateContainerConfigError"}


@dataclass(frozen=True)
class Unstarted:
    """A container of a workload that does not come up, why, and the sentence that says so."""

    subject: Subject
    container: str
    kind: str  # user, memory, absent, forbidden, architecture, arguments, mount, denied
    words: str
    states: tuple[ContainerState, ...]
    evidence: tuple[EvidenceId, ...]


def kind_by_runtime(sentence: str) -> str:
    return next((kind for kind, pattern in _BY_RUNTIME if pattern.search(sentence)), "")


def unstarted(picture: Picture) -> list[Unstarted]:
    return picture.once(_unstarted)


def _unstarted(picture: Picture) -> list[Unstarted]:
    groups: dict[tuple[Subject, str], list[ContainerState]] = {}
    for state in containers(picture):
        if _fails(state, picture):
            groups.setdefault((state.subject, state.name), []).append(state)
    found = []
    for (subject, name), states in sorted(groups.items(), key=lambda item: (str(item[0][0]), item[0][1])):
        kind, words, evidence = _why(subject, name, states, picture)
        if kind:
            found.append(Unstarted(subject, name, kind, words, tuple(states), evidence))
    return found


def not_started(rule: Rule, picture: Picture, kind: str, meaning: str) -> Iterable[Finding]:
    """The findings of a rule that takes one kind of sentence and blames the workload."""
    for found in unstarted(picture):
        if found.kind == kind and not (kind == "denied" and not volume_at(found)):
            yield rule.finding(
                found.subject,
                f"Container {found.container} of {found.subject.name} does not start in"
                f" {count_of({state.pod_name for state in found.states})}: {meaning}{_where(found)} ({found.words}).",
                severity="error",
                confidence=0.95,
                evidence=found.evidence,
                onset=min((at for state in found.states if (at := created(state.pod)) is not None), default=None),
            )


def volume_at(found: Unstarted) -> str:
    """The mounted volume in which a path of the sentence lies, with the path where it is mounted.

    A sentence without a path from the root is about the one volume with data, where there is just one.
    """
    if not re.search(r"(?<![\w.])/\w", found.words):
        names = {name for state in found.states for name in _data_volumes(state, found.container)}
        return f"volume {min(names)}" if len(names) == 1 else ""
    for state in found.states:
        for container in (*items(state.pod, "spec", "containers"), *items(state.pod, "spec", "initContainers")):
            for mount in items(container, "volumeMounts") if container.get("name") == found.container else ():
                path = str(mount.get("mountPath", "")).rstrip("/")
                if path and re.search(rf"(?<![\w.-]){re.escape(path)}(?![\w.-])", found.words):
                    return f"volume {mount.get('name')} at {path}"
    return ""


def _data_volumes(state: ContainerState, container: str) -> set[str]:
    """Volumes of the container that hold data, not configuration, and that it mounts for writing."""
    kinds = ("persistentVolumeClaim", "hostPath", "nfs", "csi", "ephemeral", "emptyDir")
    held = {str(one.get("name")) for one in items(state.pod, "spec", "volumes") if any(kind in one for kind in kinds)}
    return {
        str(mount.get("name"))
        for one in items(state.pod, "spec", "containers")
        if one.get("name") == container
        for mount in items(one, "volumeMounts")
        if mount.get("name") in held and not mount.get("readOnly")
    }


def _where(found: Unstarted) -> str:
    place = volume_at(found) if found.kind in {"denied", "mount"} else ""
    return f", {place}" if place else ""


def _fails(state: ContainerState, picture: Picture) -> bool:
    if state.waiting.get("reason") in _STARTED:
        return True
    ended = state.terminated
    recent = is_recent(parse_time(ended.get("finishedAt")), picture) or not ended.get("finishedAt")
    return ended.get("exitCode") not in (0, None) and recent and state.status.get("ready") is not True


def _why(
    subject: Subject, name: str, states: list[ContainerState], picture: Picture
) -> tuple[str, str, tuple[EvidenceId, ...]]:
    by_status = picture.evidence_of("Pod", "Event")
    for text in _by_runtime(states, picture):
        if kind := kind_by_runtime(text):
            return kind, _cut(text), by_status
    code = _code(states)
    for words in picture.last_words:
        error = telling(words) if (words.subject, words.container) == (subject, name) and not words.lives else None
        if error is not None and error.kind == "invalid arguments":
            return "arguments", error.line.message[:200], (*picture.evidence_of("Pod"), words.evidence)
    for line, evidence in _words(subject, name, picture):
        kind = next((kind for kind, pattern in _BY_WORDS if pattern.search(line)), "")
        if kind and (kind != "absent" or code == 127):
            kind = "forbidden" if kind == "denied" and code == 126 else kind.removesuffix(" by itself")
            return kind, line[:200], (*picture.evidence_of("Pod"), evidence)
    return _BY_CODE.get(code, ""), f"exit code {code}", by_status


def _by_runtime(states: list[ContainerState], picture: Picture) -> Iterator[str]:
    pods = {state.pod_name for state in states}
    for state in states:
        yield str(state.waiting.get("message") or "")
        if state.terminated.get("reason") in {"StartError", "ContainerCannotRun"}:
            yield str(state.terminated.get("message") or "")
    for event in reversed(events(picture, "Failed")):
        if event.kind == "Pod" and event.name in pods and "pull" not in event.message:
            yield event.message


def _words(subject: Subject, name: str, picture: Picture) -> Iterator[tuple[str, EvidenceId]]:
    """The last lines of the container's log, latest first."""
    for crash in picture.last_words:
        if crash.subject == subject and crash.container == name:
            yield from ((line.strip(), crash.evidence) for line in reversed(crash.lines[-15:]))


def _code(states: list[ContainerState]) -> Any:
    return next((code for state in states if (code := state.terminated.get("exitCode")) not in (0, None)), None)


def _cut(text: str) -> str:
    """From the command on: what stands before says only which layers passed it on."""
    return re.sub(r'^.*?(?=exec: |exec "|error mounting|failed to prepare)', "", text, flags=re.S).strip()[:200]
