"""The kubectl command of an action that a person asks for. It is said, never run.

`command_for` reads the verb and the number from the question; what it is done to comes from the context. A name is
only ever put into a command after it was found to exist, and is quoted for the shell.
"""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass

_VERB = re.compile(
    r"\b(restart|bounce|roll ?back|undo|delete|kill|remove|scale|drain|cordon|uncordon|evict|pause|resume|silence"
    r"|redeploy)\b"
)
_ALERT = re.compile(r"\b[A-Z][A-Za-z0-9]*[a-z][A-Z][A-Za-z0-9]*\b")  # as alerts are named
_NUMBER = re.compile(r"(?<![\w.-])(\d{1,4})(?![\w.])")
_REVISION = re.compile(r"\brevision (\d+)\b")
_ROLLED = {"Deployment": "deployment", "StatefulSet": "statefulset", "DaemonSet": "daemonset"}
_NODE_VERBS = {"drain", "cordon", "uncordon"}


@dataclass(frozen=True)
class Command:
    """`does` finishes the sentence "This would ..."; `undo` says how it is taken back; `lacks` what must be said."""

    does: str
    lines: tuple[str, ...] = ()
    check: str = ""  # a command that shows the effect or tries it dry
    undo: str = ""
    lacks: str = ""


def verb_of(text: str) -> str:
    found = _VERB.search(text.lower())
    if not found:
        return ""
    verb = found[1].replace(" ", "")
    return {"undo": "rollback", "bounce": "restart", "redeploy": "restart", "kill": "delete", "remove": "delete"}.get(
        verb, verb
    )


def command_for(text: str, *, kind: str = "", name: str = "", namespace: str = "", node: str = "") -> Command | None:
    """None when the question names no action that has a command of its own (`fix it`)."""
    verb = verb_of(text)
    if verb in _NODE_VERBS:
        return _on_node(verb, node)
    kubectl = f"kubectl -n {shlex.quote(namespace)}" if namespace else "kubectl"
    if verb == "silence":
        alert = _ALERT.search(text)
        return Command(
            f"mute {alert[0] if alert else 'an alert'} for two hours",
            (f'amtool silence add alertname="{alert[0] if alert else "NAME"}" --duration=2h --comment="why"',),
            "amtool silence query",
            "amtool silence expire ID",
            "" if alert else "Name the alert.",
        )
    if verb in {"delete", "evict"} and kind == "Pod":
        return _tried(
            f"delete the pod {name}; its controller makes a new one",
            f"{kubectl} delete pod {shlex.quote(name)}",
            "none: a deleted pod is gone; only its controller replaces it",
        )
    if not verb:
        return None
    if not name:
        return Command("", lacks="Which workload? Name one, for example `restart checkout`.")
    if kind not in _ROLLED:
        if verb == "restart" and kind == "Pod":
            return command_for("delete", kind=kind, name=name, namespace=namespace)
        return Command("", lacks=f"I know no command that would {verb} a {kind}.")
    target = f"{_ROLLED[kind]}/{shlex.quote(name)}"
    rollout = f"{kubectl} rollout"
    if verb == "restart":
        return Command(
            f"replace the pods of {name} one after another",
            (f"{rollout} restart {target}",),
            f"{rollout} status {target}",
            f"{rollout} undo {target} (the old pods are gone, the template is as before)",
        )
    if verb == "rollback":
        revision = _REVISION.search(text.lower())
        to = f" --to-revision={revision[1]}" if revision else ""
        return _tried(
            f"put {name} back to {f'revision {revision[1]}' if revision else 'its revision before this one'}",
            f"{rollout} undo {target}{to}",
            f"{rollout} undo {target} (once more)",
        )
    if verb == "scale":
        if kind == "DaemonSet":
            return Command("", lacks="A DaemonSet has one pod a node; it cannot be scaled.")
        number = _NUMBER.search(text)
        if number is None:
            return Command("", lacks=f"To how many replicas? For example `scale {name} to 5`.")
        return _tried(
            f"set {name} to {number[1]} replicas (an autoscaler may set them again)",
            f"{kubectl} scale {target} --replicas={number[1]}",
            f"{kubectl} scale {target} --replicas=N, with the number it has now",
        )
    if verb in {"pause", "resume"}:
        return Command(
            f"{verb} the rollout of {name}",
            (f"{rollout} {verb} {target}",),
            f"{rollout} status {target} --watch=false",
            f"{rollout} {'resume' if verb == 'pause' else 'pause'} {target}",
        )
    return _tried(
        f"delete {name} with all its pods; nothing puts it back but its manifest",
        f"{kubectl} delete {target}",
        f"none: keep it first with {kubectl} get {target} -o yaml",
    )


def _on_node(verb: str, node: str) -> Command:
    name = shlex.quote(node) if node else "NODE"
    lacks = "" if node else "Name the node."
    if verb == "drain":
        return _tried(
            f"move all pods off {node or 'the node'} and keep new ones away",
            f"kubectl drain {name} --ignore-daemonsets --delete-emptydir-data",
            f"kubectl uncordon {name} (the pods stay where they went)",
            lacks,
        )
    keep = "keep new pods off" if verb == "cordon" else "let new pods onto"
    back = "uncordon" if verb == "cordon" else "cordon"
    return Command(
        f"{keep} {node or 'the node'}",
        (f"kubectl {verb} {name}",),
        f"kubectl get node {name}",
        f"kubectl {back} {name}",
        lacks,
    )


def _tried(does: str, line: str, undo: str, lacks: str = "") -> Command:
    """A command that the API server can try without doing it."""
    return Command(does, (line,), f"{line} --dry-run=server", undo, lacks)
