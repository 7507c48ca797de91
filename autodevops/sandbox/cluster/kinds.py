"""The kinds of objects a cluster here has, and how the API calls them. Data for the store and the API server alike."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Kind:
    """One kind. `generation` says whether a change of its spec counts up metadata.generation.

    `subresources` are those beside `status`, which every kind with `status` has.
    """

    name: str
    group: str
    version: str
    plural: str
    namespaced: bool = True
    generation: bool = False
    short: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    status: bool = False
    subresources: tuple[str, ...] = ()

    @property
    def api_version(self) -> str:
        return f"{self.group}/{self.version}" if self.group else self.version


_ALL = ("all",)

KINDS: dict[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind("ConfigMap", "", "v1", "configmaps", short=("cm",)),
        Kind("Endpoints", "", "v1", "endpoints", short=("ep",)),
        Kind("Event", "", "v1", "events", short=("ev",)),
        Kind("LimitRange", "", "v1", "limitranges", short=("limits",)),
        Kind(
            "Namespace", "", "v1", "namespaces", namespaced=False, short=("ns",), status=True,
            subresources=("finalize",),
        ),
        Kind("Node", "", "v1", "nodes", namespaced=False, short=("no",), status=True),
        Kind("PersistentVolume", "", "v1", "persistentvolumes", namespaced=False, short=("pv",), status=True),
        Kind("PersistentVolumeClaim", "", "v1", "persistentvolumeclaims", short=("pvc",), status=True),
        Kind(
            "Pod", "", "v1", "pods", generation=True, short=("po",), categories=_ALL, status=True,
            subresources=("eviction", "log"),
        ),
        Kind(
            "ReplicationController", "", "v1", "replicationcontrollers", generation=True, short=("rc",),
            categories=_ALL, status=True, subresources=("scale",),
        ),
        Kind("ResourceQuota", "", "v1", "resourcequotas", short=("quota",), status=True),
        Kind("Secret", "", "v1", "secrets"),
        Kind("Service", "", "v1", "services", short=("svc",), categories=_ALL, status=True),
        Kind("ServiceAccount", "", "v1", "serviceaccounts", short=("sa",), subresources=("token",)),
        Kind("ControllerRevision", "apps", "v1", "controllerrevisions"),
        Kind(
            "DaemonSet", "apps", "v1", "daemonsets", generation=True, short=("ds",), categories=_ALL, status=True
        ),
        Kind(
            "Deployment", "apps", "v1", "deployments", generation=True, short=("deploy",), categories=_ALL, status=True,
            subresources=("scale",),
        ),
        Kind(
            "ReplicaSet", "apps", "v1", "replicasets", generation=True, short=("rs",), categories=_ALL, status=True,
            subresources=("scale",),
        ),
        Kind(
            "StatefulSet", "apps", "v1", "statefulsets", generation=True, short=("sts",), categories=_ALL, status=True,
            subresources=("scale",),
        ),
        Kind(
            "HorizontalPodAutoscaler", "autoscaling", "v2", "horizontalpodautoscalers", short=("hpa",),
            categories=_ALL, status=True,
        ),
        Kind("CronJob", "batch", "v1", "cronjobs", generation=True, short=("cj",), categories=_ALL, status=True),
        Kind("Job", "batch", "v1", "jobs", generation=True, categories=_ALL, status=True),
        Kind("Lease", "coordination.k8s.io", "v1", "leases"),
        Kind("EndpointSlice", "discovery.k8s.io", "v1", "endpointslices", generation=True),
        Kind("Ingress", "networking.k8s.io", "v1", "ingresses", generation=True, short=("ing",), status=True),
        Kind("IngressClass", "networking.k8s.io", "v1", "ingressclasses", namespaced=False, generation=True),
        Kind("NetworkPolicy", "networking.k8s.io", "v1", "networkpolicies", generation=True, short=("netpol",)),
        Kind(
            "PodDisruptionBudget", "policy", "v1", "poddisruptionbudgets", generation=True, short=("pdb",), status=True
        ),
        Kind("ClusterRole", "rbac.authorization.k8s.io", "v1", "clusterroles", namespaced=False),
        Kind("ClusterRoleBinding", "rbac.authorization.k8s.io", "v1", "clusterrolebindings", namespaced=False),
        Kind("Role", "rbac.authorization.k8s.io", "v1", "roles"),
        Kind("RoleBinding", "rbac.authorization.k8s.io", "v1", "rolebindings"),
        Kind("PriorityClass", "scheduling.k8s.io", "v1", "priorityclasses", namespaced=False, short=("pc",)),
        Kind("StorageClass", "storage.k8s.io", "v1", "storageclasses", namespaced=False, short=("sc",)),
    )
}  # fmt: skip
