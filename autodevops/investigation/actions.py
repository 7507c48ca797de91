"""What a person may want to do next. Words and commands to copy; nothing here changes anything."""

from __future__ import annotations

import shlex

from autodevops.domain.hypothesis import SuggestedAction
from autodevops.domain.subject import Subject
from autodevops.investigation.rollouts import revision_name
from autodevops.investigation.weigh import Candidate

_ROLLS = {"Deployment", "StatefulSet", "DaemonSet"}

_REMEDIES = {
    "OOMKilled": "Raise the memory limit, or fix what makes it grow.",
    "ImagePullBackOff": "Correct the image's name or tag, or the pull secret.",
    "FailedScheduling": "Ask for less, add nodes, or correct selector, affinity, tolerations or volume claims.",
    "CPUQuotaExceeded": "Raise the quota, or lower requests and replicas.",
    "MemoryQuotaExceeded": "Raise the quota, or lower requests and replicas.",
    "PodQuotaExceeded": "Raise the quota, or remove pods that are not needed.",
    "ServiceQuotaExceeded": "Raise the quota, or remove Services that nobody calls.",
    "StorageQuotaExceeded": "Raise the quota, or delete claims that no pod mounts.",
    "ObjectQuotaExceeded": "Raise the quota, or delete old objects.",
    "QuotaExceeded": "Set the requests and limits that the quota counts, or raise it.",
    "LimitRangeViolated": "Fit the template to the LimitRange, or the LimitRange to what runs.",
    "ServiceAccountMissing": "Create the ServiceAccount, or correct serviceAccountName.",
    "PriorityClassMissing": "Create the PriorityClass, or correct priorityClassName.",
    "WebhookUnreachable": "Look at the endpoints behind the webhook's Service and at its caBundle.",
    "RBACDenied": "Bind a Role that allows what it asks, and no more.",
    "NodesCordoned": "Uncordon what is ready to work again.",
    "NodeSelectorMismatch": "Correct the nodeSelector, or label the nodes.",
    "NodeAffinityMismatch": "Correct the required node affinity, or label the nodes.",
    "UntoleratedTaint": "Tolerate the taint, or take it off the nodes.",
    "InsufficientCPU": "Request less, free requests of others, or add nodes.",
    "InsufficientMemory": "Request less, free requests of others, or add nodes.",
    "PodAffinityUnmet": "See whether the pods its affinity names run and bear those labels.",
    "PodAntiAffinityUnmet": "Lower the replicas, add nodes, or prefer instead of requiring.",
    "PodPreempted": "Add nodes, or compare the priorities of both.",
    "TopologySpreadUnmet": "Raise maxSkew, prefer instead of requiring, or free nodes where too few of its pods are.",
    "TooManyVolumes": "Add nodes, or machine types that attach more volumes.",
    "VolumeInUse": "Run one replica with strategy Recreate, or make the claim with a mode that pods may share.",
    "VolumeLost": "Make a PersistentVolume for the data again, or restore it into a new claim.",
    "TooManyPods": "Add nodes, or raise the kubelet's maxPods.",
    "NodeMissing": "Correct nodeName, or leave the choice to the scheduler.",
    "SchedulerNameUnknown": "Correct schedulerName, or start that scheduler.",
    "SchedulingGated": "See why the gate's controller does not lift it.",
    "HostPortTaken": "Do without the host port, or run no more pods than nodes have it free.",
    "InsufficientEphemeralStorage": "Request less, free requests of others, or add nodes.",
    "InsufficientResource": "Request less, free requests of others, or add nodes that offer it.",
    "PodSecurityViolation": "Fit the template to the namespace's Pod Security level.",
    "ConfigMapMissing": "Create the ConfigMap, or correct its name.",
    "ScaledBeyondConnections": "Scale it back, or make its pools smaller.",
    "ScaledDown": "Give it back the pods that it had.",
    "ConsumersScaledDown": "Ask whether it was on purpose; give it back the pods that it had.",
    "ConfigFileMissing": "Give the ConfigMap's key its name back, then restart what failed.",
    "ConfigKeyMissing": "Add the key, or correct its name.",
    "SecretMissing": "Create the Secret, or correct its name.",
    "ClaimMissing": "Create the claim, or correct its name.",
    "VolumeNotBound": "See the claim's events; make a volume that fits, or correct the claim.",
    "VolumeZoneConflict": "Add nodes in the volume's zone; bind later with WaitForFirstConsumer.",
    "StorageClassMissing": "Create the class, or make the claim again with one that exists.",
    "StorageClassMismatch": "Give claim and volume the same storageClassName.",
    "ClaimAccessModeMismatch": "Make a volume that offers the mode, or make the claim again with one that is offered.",
    "ClaimCapacityMismatch": "Make a larger volume, or make the claim again with less.",
    "ClaimSelectorMismatch": "Label the volume, or make the claim again with a selector that matches.",
    "VolumeOccupied": "Make another volume, or free this one once its data is saved.",
    "ProvisioningFailed": "Follow the provisioner's sentence; look at its own pods.",
    "ImageNotFound": "Correct the image's name or tag, or push it.",
    "ImageNeverPulled": "Put the image on the node, or correct imagePullPolicy.",
    "ImagePullRateLimited": "Pull with credentials, or through a mirror.",
    "InvalidImageName": "Correct the image's name.",
    "RegistryUnresolvable": "Correct the registry's name, or the node's DNS.",
    "RegistryUnreachable": "Look at the registry and the way to it from the node.",
    "ImagePullUnauthorized": "Renew the pull secret and see that its server is the image's registry.",
    "PullSecretMissing": "Create the pull secret in this namespace, or correct its name.",
    "WrongArchitecture": "Build the image for the node's processor, or select nodes by kubernetes.io/arch.",
    "CommandNotFound": "Correct the command, or build the image with it.",
    "CommandNotExecutable": "Make the file executable, or correct the command.",
    "InvalidArguments": "Correct the arguments, or see which version takes them.",
    "VolumePermissionDenied": "Set fsGroup or runAsUser to the owner of the volume's files.",
    "VolumeAttachFailed": "See which pod holds the volume; let its Deployment use strategy Recreate.",
    "PodSandboxFailed": "Look at the network plugin's pods on that node.",
    "InitContainerFailing": "Read the init container's log.",
    "CreateContainerConfigError": "Create what the template refers to, or correct the reference.",
    "FailedCreate": "Free or raise what the message names, or correct the template.",
    "CPUThrottled": "Raise the CPU limit, or find what made it work harder.",
    "ConfigChanged": "See what the edit changed, put it back, and restart what reads it at start-up.",
    "CPUSaturated": "Raise the CPU limit or add replicas, or find what made it work harder.",
    "MemoryGrowing": "Roll back if it began with a release; take a heap profile; restart it before it is killed.",
    "GCPressure": "Look for what grows on its heap, or enlarge the heap.",
    "ConnectionPoolFull": "See who holds connections, and whether queries got slower, before enlarging the pool.",
    "ThreadPoolExhausted": "Give the calls its threads wait for a time limit.",
    "FileDescriptorsNearLimit": "Find the connections or files that are never closed; raise the limit meanwhile.",
    "NoisyNeighbour": "Limit its CPU, or move it to nodes of its own.",
    "TrafficSurge": "Scale out what saturates first, and limit the rate at the entry.",
    "NetworkDelay": "Compare its pods' network with others': node, zone, CNI, sidecar, traffic shaping.",
    "NetworkLoss": "Look for drops and retransmits on its pods' nodes, and at policies and conntrack.",
    "NodeNetworkDelay": "Move pods off the node, then look at its interface and CNI agent.",
    "NodeNetworkLoss": "Move pods off the node, then look at its interface and CNI agent.",
    "SlowDependency": "Give calls to it a time limit, and ask whoever runs it.",
    "UnreachableDependency": "Let its callers fail fast or do without, and ask whoever runs it.",
    "NPlusOneQueries": "Fetch the rows in one query.",
    "FanOutGrown": "Batch the calls, or bound them.",
    "RetryStorm": "Bound the retries: a budget, back-off with jitter, a circuit breaker.",
    "RegressionByVersion": "Stop the release and go back to the version that is well.",
    "CredentialsRefused": "Compare the Secret with what the other side knows, then restart who holds the old one.",
    "UnknownHost": "Compare the name with the Services of the namespace; where every name fails, look at cluster DNS.",
    "ConnectionRefused": "Look whether the peer runs and listens on that port.",
    "PortInUse": "Give one of the pod's containers another port.",
    "FileDescriptorsExhausted": "Find which connections or files are not closed; then raise the limit.",
    "ThreadsExhausted": "Bound the thread pool, or raise the limit of processes.",
    "ReadOnlyFileSystem": "Mount an emptyDir where the program writes.",
    "SchemaMissing": "See how this version's migration ended; run it, or roll back.",
    "MigrationFailed": "Compare the image's migrations with those that have run; release a lock that nobody holds.",
    "DataUnusable": "Save the volume; go back to the version that wrote it, or restore a backup.",
    "UpstreamFailing": "Look at the peer's own pods and at what stands between.",
    "FileMissing": "Compare the path with the image's content and the volumes of the template.",
    "EnvironmentMissing": "Set the variable in the pod template.",
    "ConfigurationInvalid": "Compare the configuration and arguments with the last version that ran.",
    "ModuleMissing": "Correct the image or the command.",
    "RateLimited": "Call less often, with pauses between retries, or ask for a higher quota.",
    "CertificateNotTrusted": "Give the caller the authority's certificate, or the callee one with its name.",
    "PeerCertificateExpired": "Renew the certificate and let its server load it.",
    "ClockSkewed": "Compare the nodes' clocks and restart time synchronisation.",
    "PoisonMessage": "Move the message to a dead-letter queue, or skip it.",
    "ConnectionPoolExhausted": "Look at the database's latency, then for connections that are not returned.",
    "FilePermissionDenied": "Compare runAsUser and fsGroup with the owner of the files.",
    "ApiAccessForbidden": "Grant the role what it needs, and no more.",
    "HeapExhausted": "Fit the heap to the container's limit, or find what grows.",
    "ProtocolMismatch": "Compare the address's scheme and port with what is served there.",
    "MemoryLeak": "Roll back if it is new; else restart it on schedule until the leak is found.",
    "NodeOutOfMemory": "Find who uses more than it requests, and give every container a request that is true.",
    "MemoryPressure": "Find who uses more than it requests, and give every container a request that is true.",
    "DiskPressure": "Remove what fills the node's disk, and limit ephemeral-storage.",
    "PIDPressure": "Find who leaks processes or threads, and limit pids per pod.",
    "ContainerCompletes": "Run the server in the foreground, or make it a Job.",
    "EphemeralStorageExceeded": "Give it a volume for what it writes, or raise the limit.",
    "PortConflict": "Give one of the two containers another port.",
    "FinalizerBlocks": "See why the finalizer's controller does not act; remove it by hand only if that is gone.",
    "StuckTerminating": "See what holds the pod on its node; force its deletion only when it surely no longer runs.",
    "ServiceSelectorMismatch": "Correct the Service's selector, or the labels of the pod template.",
    "ServiceSelectsOthers": "Make the Service's selector say which program it means.",
    "TargetPortMismatch": "Correct targetPort, or the container's port.",
    "ServicePortMismatch": "Give the Service back the port its callers use.",
    "ServiceProtocolMismatch": "Correct the protocol of the Service's port.",
    "AppProtocolMismatch": "Correct appProtocol, or the port's name.",
    "HeadlessPortMismatch": "Call the targetPort, or give the Service a cluster address.",
    "NoLocalEndpoint": "Set internalTrafficPolicy to Cluster, or run a pod behind the Service on every node.",
    "WrongServiceAddress": "Correct the address in the template or ConfigMap.",
    "IngressBackendMissing": "Correct the backend's name or port.",
    "IngressClassMissing": "Correct the class, or install its controller.",
    "IngressTlsSecretMissing": "Create the Secret, or see why cert-manager does not.",
    "ServiceSelectsAnotherVersion": "Point the selector at the version that is ready, or bring up the other.",
    "IngressMisrouted": "Correct the backend of that path.",
    "IngressHostMismatch": "Give the rule and its certificate the same host.",
    "RouteBackendMissing": "Correct backendRefs.",
    "RouteMisrouted": "Correct backendRefs of that path.",
    "RouteHostMismatch": "Correct hostnames of the route, or the listener's hostname.",
    "RouteNotAccepted": "Correct parentRefs, or allow the route's namespace in the listener's allowedRoutes.",
    "GatewayClassMissing": "Correct gatewayClassName, or install the class's controller.",
    "GatewayTlsSecretMissing": "Create the Secret, correct certificateRefs, or grant the reference.",
    "NetworkPolicyBlocks": "Allow the caller by its labels and the port.",
    "NetworkPolicyBlocksDNS": "Allow egress to kube-system on port 53, UDP and TCP.",
    "PodDNSWrong": "Set dnsPolicy to ClusterFirst, or ClusterFirstWithHostNet on the host's network.",
    "NodeDNSDown": "Read the log of that node's node-local-dns pod and see its limits.",
    "NodeProblem": "Drain the node, then start it anew or replace its disk.",
    "DNSFailing": "Read CoreDNS's log; see its Corefile, its upstream resolvers and its CPU.",
    "CorefileBroken": "Correct the Corefile, then restart CoreDNS.",
    "ControllerManagerDown": "Read kube-controller-manager's log and its manifest on the control plane's node.",
    "SchedulerDown": "Read kube-scheduler's log and its manifest on the control plane's node.",
    "ControlPlaneUnwell": "Read its log, and see the disk of the control plane's node.",
    "ConnectionsExhausted": "End idle connections, then make pools smaller or put a pooler before it.",
    "ReplicationLag": "Slow down the heavy write, or see the replica's disk and long queries; read from the primary.",
    "SlowDatabase": "See what its sessions wait for, the plan of the heaviest statement, and its disk.",
    "DatabaseCPUSaturated": "See the plan of the heaviest statement and who sends it.",
    "DatabaseMemoryLow": "Find the sessions and the statement that take it, and end them; then see the class.",
    "DatabaseRestarted": "See who or what wanted it, and that callers have reconnected.",
    "DiskSaturated": "Slow down what reads or writes most; then give the volume more operations.",
    "TransactionIDsRunOut": "End what is oldest (transactions, prepared ones, slots), then vacuum the oldest tables.",
    "VolumeFull": "Free space or expand the volume, then find what filled it.",
    "StorageNearlyFull": "Expand the volume now, then see what grows.",
    "DatabaseReadOnly": "See whether it was demoted or set read-only, and point writers at the primary.",
    "LockContention": "Find the session that holds the lock and end it.",
    "IdleInTransaction": "End the idle transactions and set a time limit for them.",
    "DatabaseDown": "See its pod, log and volume; of a managed one, its events.",
    "FailedOver": "See that callers have reconnected to the new primary, and why the old one went.",
    "CacheEvictions": "Give the cache the memory it needs, or find which keys grew.",
    "CacheMisses": "See whether it was restarted, flushed or made smaller; undo that.",
    "QueueBacklog": "See the consumers' errors and time a message; start or scale them.",
    "DeadLetters": "Read one of the messages, correct what cannot process it, and put them back.",
    "ExternalThrottled": "Send less: stop retries and jobs, obey Retry-After; then ask for a higher limit.",
    **{
        f"{kind}Probe{mistake}": remedy
        for kind in ("Liveness", "Readiness", "Startup")
        for mistake, remedy in (
            ("Failing", "See what the program says when it is asked, and what it depends on."),
            ("WrongPort", "Give the probe the port on which the program listens, best by name."),
            ("WrongProtocol", "Use the kind of probe, or the scheme, that the port answers."),
            ("WrongPath", "Correct the probe's path, or serve it."),
            ("WrongCommand", "Correct the probe's command, or put it into the image."),
            ("WrongTiming", "Give the probe the time that the program needs; for slow starts use a startup probe."),
        )
    },
}

_ON_NODE = {
    "KubeletDown": "start the kubelet again (`systemctl restart kubelet`), and read its journal",
    "ContainerRuntimeDown": "start the container runtime again, and read its journal",
    "KubeProxyDown": "restart its kube-proxy, and read its log",
    "NetworkPluginNotReady": "look at the network plugin's pod and at /etc/cni/net.d",
    "NodeNetworkLoss": "look at the machine's link, switch port and driver",
    "NodeNetworkDelay": "look at the machine's link and at what fills it",
    "NodeDiskFull": "remove what fills the disk: images, logs, emptyDir volumes",
    "NodeClockDrift": "look at chronyd or systemd-timesyncd",
}


def suggest(candidate: Candidate) -> tuple[SuggestedAction, ...]:
    subject = candidate.subject
    actions: list[SuggestedAction] = []
    if candidate.rollout is not None and subject.kind in _ROLLS:
        back = f"before {revision_name(candidate.rollout.number)}"
        actions.append(
            SuggestedAction(
                kind="mitigation",
                summary=f"Roll {subject.name} back to what ran {back}.",
                command=_kubectl(subject, "rollout", "undo", _target(subject)),
                before_revision=candidate.rollout.number,
            )
        )
    remedy = _REMEDIES.get(candidate.reason)
    if remedy:
        actions.append(SuggestedAction(kind="remediation", summary=remedy, command=_describe(subject)))
    if subject.kind == "Node":
        on_node = _ON_NODE.get(candidate.reason)
        if on_node:
            actions.append(SuggestedAction(kind="remediation", summary=f"On {subject.name}: {on_node}."))
        actions.append(
            SuggestedAction(
                kind="mitigation",
                summary=f"Move the pods off {subject.name}.",
                command=f"kubectl drain {shlex.quote(subject.name)} --ignore-daemonsets",
            )
        )
        actions.append(
            SuggestedAction(
                kind="investigation",
                summary="See what the node says.",
                command=f"kubectl describe node {shlex.quote(subject.name)}",
            )
        )
    elif subject.kind in _ROLLS:
        previous = (
            ["--previous"] if any(f.reason in {"CrashLoopBackOff", "OOMKilled"} for f in candidate.findings) else []
        )
        actions.append(
            SuggestedAction(
                kind="investigation",
                summary=f"Read what {subject.name} writes.",
                command=_kubectl(subject, "logs", _target(subject), "--tail=100", *previous),
            )
        )
        actions.append(
            SuggestedAction(
                kind="investigation",
                summary="See its revisions.",
                command=_kubectl(subject, "rollout", "history", _target(subject)),
            )
        )
    return tuple(actions)


def _describe(subject: Subject) -> str:
    """Nothing for what lies outside of the cluster."""
    outside = subject.api_version == "opentelemetry.io"
    return "" if outside else _kubectl(subject, "describe", _target(subject))


def _target(subject: Subject) -> str:
    return f"{subject.kind.lower()}/{subject.name}"


def _kubectl(subject: Subject, *words: str) -> str:
    where = ("-n", subject.namespace) if subject.namespace else ()
    return " ".join(shlex.quote(word) for word in ("kubectl", *where, *words))
