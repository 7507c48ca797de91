"""NetworkPolicyBlocks (K8S029, state): a NetworkPolicy forbids a call that is made.

What: a call between two workloads, seen in traces or set in the environment, that the policies do not allow, evaluated
as Kubernetes does: a pod that a policy isolates accepts what any policy allows it, and nothing else. It counts where
caller or callee is hurt, or nobody counts requests; a default-deny policy beside policies that allow what is needed is
good practice. A call that leads out of the cluster is let through by a block, or by a rule that names nobody, and by no
selector; it counts where the policy was made or edited in the window.

Why it matters: packets are dropped: callers wait for their timeout, while the callee is ready and idle.

Example: `NetworkPolicy payment-ingress does not let checkout call payment`

What to do: allow the caller by its labels and the port, or remove the policy.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from autodevops.domain.finding import Finding
from autodevops.domain.subject import Subject
from autodevops.investigation.dependencies import addressed_hosts, subject_of_host
from autodevops.investigation.inventory import Inventory, Object, metadata, section
from autodevops.investigation.picture import Picture
from autodevops.investigation.rollouts import parse_time
from autodevops.investigation.rules.base import Rule
from autodevops.investigation.rules.policies import Port, allows, allows_outside, isolates
from autodevops.investigation.rules.routes import container_ports, is_hurt, unmeasured


def _check(picture: Picture, earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    if not picture.inventory.of_kind("NetworkPolicy"):
        return
    blind = unmeasured(picture)
    blocked: dict[Subject, tuple[Object, list[str]]] = {}
    for origin, target, policy in _blocked(picture):
        if blind or is_hurt(origin, earlier) or is_hurt(target, earlier):
            subject = picture.inventory.object_subject(policy)
            blocked.setdefault(subject, (policy, []))[1].append(f"{origin.name} call {target.name}")
    for origin, target, policy in kept_inside(picture):
        if blind or is_hurt(origin, earlier):
            subject = picture.inventory.object_subject(policy)
            blocked.setdefault(subject, (policy, []))[1].append(f"{origin.name} call {target.name}")
    for subject, (policy, flows) in sorted(blocked.items(), key=lambda item: str(item[0])):
        made = parse_time(metadata(policy).get("creationTimestamp"))
        recent = made is not None and picture.span.window.contains(made)
        yield RULE.finding(
            subject,
            f"NetworkPolicy {subject.name} does not let {', '.join(sorted(set(flows)))}.",
            severity="error" if blind else "critical",
            confidence=0.8 if blind else 0.95,
            evidence=picture.evidence_of("NetworkPolicy", "Pod"),
            onset=made if recent else None,
        )


def _blocked(picture: Picture) -> Iterator[tuple[Subject, Subject, Object]]:
    """Calls that are not allowed, each with the newest of the policies that isolate the pod in question."""
    policies = picture.inventory.of_kind("NetworkPolicy")
    namespace = next((section(item, "metadata", "labels") for item in picture.inventory.of_kind("Namespace")), {})
    namespace = {"kubernetes.io/metadata.name": picture.inventory.namespace, **namespace}
    for edge in picture.graph.edges:
        origin, target = picture.inventory.workload(edge.origin), picture.inventory.workload(edge.target)
        if origin is None or target is None or edge.how not in {"calls", "is configured to call"}:
            continue
        ports: list[Port | None] = [
            Port(int(port.get("containerPort", 0)), str(port.get("name", "")), str(port.get("protocol") or "TCP"))
            for port in container_ports(target)
        ]
        for way, at, peer in (("Ingress", target, origin), ("Egress", origin, target)):
            isolating = [policy for policy in policies if isolates(policy, at.template_labels, way)]
            open_ = any(
                allows(policy, way, peer.template_labels, namespace, port)
                for policy in isolating
                for port in ports or [None]
            )
            if isolating and not open_:
                newest = max(isolating, key=lambda item: str(metadata(item).get("creationTimestamp", "")))
                yield edge.origin, edge.target, newest


def kept_inside(picture: Picture) -> tuple[tuple[Subject, Subject, Object], ...]:
    """Calls out of the cluster that are not let through, each with the policy of late that isolates the caller."""
    return picture.once(_kept_inside)


def _kept_inside(picture: Picture) -> tuple[tuple[Subject, Subject, Object], ...]:
    policies, inventory = picture.inventory.of_kind("NetworkPolicy"), picture.inventory
    seen = {(edge.origin, edge.target) for edge in picture.graph.edges if edge.how == "calls"} if policies else set()
    ports: dict[tuple[Subject, Subject], int | None] = {
        (origin, target): None for origin, target in seen if _is_outside(target, inventory)
    }
    for workload, address in addressed_hosts(inventory) if policies else ():
        subject = subject_of_host(address.host, inventory)
        flow = (workload.subject, subject) if subject is not None and _is_outside(subject, inventory) else None
        if flow is not None and (flow in ports or not _may_be_namespaced(address.host)):
            ports[flow] = address.port
    found = []
    for (origin, target), number in sorted(ports.items(), key=lambda item: str(item[0])):
        caller = inventory.workload(origin)
        labels = caller.template_labels if caller is not None else {}
        isolating = [policy for policy in policies if caller is not None and isolates(policy, labels, "Egress")]
        port = Port(number) if number is not None else None
        near = _may_be_namespaced(target.name)
        late = [policy for policy in isolating if _is_late(policy, picture)]
        if late and not any(allows_outside(policy, port, of_cluster=near) for policy in isolating):
            found.append((origin, target, max(late, key=lambda item: str(metadata(item).get("creationTimestamp", "")))))
    return tuple(found)


def _is_outside(subject: Subject, inventory: Inventory) -> bool:
    """Whether it is a host that no object of the namespace stands for, nor one of a namespace that is named."""
    telemetry = subject.kind == "Service" and inventory.service(subject.name) == subject
    return telemetry and "." in subject.name


def _may_be_namespaced(host: str) -> bool:
    """Whether a name can be a Service of another namespace: `tempo.observability`, `db.data.svc`; not `api.pay.io`."""
    return host.count(".") < 2 or host.rpartition(".")[2] in {"svc", "local", "internal"}


def _is_late(policy: Object, picture: Picture) -> bool:
    made, subject = parse_time(metadata(policy).get("creationTimestamp")), picture.inventory.object_subject(policy)
    moments = [edit.at for edit in picture.edits if edit.subject == subject] + ([made] if made is not None else [])
    return any(picture.span.window.contains(moment) for moment in moments)


RULE = Rule(
    "K8S029", "NetworkPolicyBlocks", "state", _check, specificity=0.97, stage=2, names_cause=True,
    shows_elsewhere=True, documentation=__doc__,
)  # fmt: skip
