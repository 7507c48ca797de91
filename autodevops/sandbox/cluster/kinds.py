"""The kinds of objects a cluster here has, and how the API calls them. Data for the store and the API server alike."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Kind:
    """One kind. `generation` says whether a change of its spec counts up metadata.generation."""

    name: str
    group: str
    version: str
    plural: str
    namespaced: bool = True
    generation: bool = False

    @property
    def api_version(self) -> str:
        return f"{self.group}/{self.version}" if self.group else self.version


KINDS: dict[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind("ConfigMap", "", "v1", "configmaps"),
        Kind("Endpoints", "", "v1", "endpoints"),
        Kind("Event", "", "v1", "events"),
        Kind("LimitRange", "", "v1", "limitranges"),
        Kind("Namespace", "", "v1", "namespaces", namespaced=False),
        Kind("Node", "", "v1", "nodes", namespaced=False),
        Kind("PersistentVolume", "", "v1", "persistentvolumes", namespaced=False),
        Kind("PersistentVolumeClaim", "", "v1", "persistentvolumeclaims"),
        Kind("Pod", "", "v1", "pods", generation=True),
        Kind("ReplicationController", "", "v1", "replicationcontrollers", generation=True),
        Kind("ResourceQuota", "", "v1", "resourcequotas"),
        Kind("Secret", "", "v1", "secrets"),
        Kind("Service", "", "v1", "services"),
        Kind("ServiceAccount", "", "v1", "serviceaccounts"),
        Kind("ControllerRevision", "apps", "v1", "controllerrevisions"),
        Kind("DaemonSet", "apps", "v1", "daemonsets", generation=True),
        Kind("Deployment", "apps", "v1", "deployments", generation=True),
        Kind("ReplicaSet", "apps", "v1", "replicasets", generation=True),
        Kind("StatefulSet", "apps", "v1", "statefulsets", generation=True),
        Kind("HorizontalPodAutoscaler", "autoscaling", "v2", "horizontalpodautoscalers"),
        Kind("CronJob", "batch", "v1", "cronjobs", generation=True),
        Kind("Job", "batch", "v1", "jobs", generation=True),
        Kind("Lease", "coordination.k8s.io", "v1", "leases"),
        Kind("EndpointSlice", "discovery.k8s.io", "v1", "endpointslices", generation=True),
        Kind("Ingress", "networking.k8s.io", "v1", "ingresses", generation=True),
        Kind("IngressClass", "networking.k8s.io", "v1", "ingressclasses", namespaced=False, generation=True),
        Kind("NetworkPolicy", "networking.k8s.io", "v1", "networkpolicies", generation=True),
        Kind("PodDisruptionBudget", "policy", "v1", "poddisruptionbudgets", generation=True),
        Kind("ClusterRole", "rbac.authorization.k8s.io", "v1", "clusterroles", namespaced=False),
        Kind("ClusterRoleBinding", "rbac.authorization.k8s.io", "v1", "clusterrolebindings", namespaced=False),
        Kind("Role", "rbac.authorization.k8s.io", "v1", "roles"),
        Kind("RoleBinding", "rbac.authorization.k8s.io", "v1", "rolebindings"),
        Kind("PriorityClass", "scheduling.k8s.io", "v1", "priorityclasses", namespaced=False),
        Kind("StorageClass", "storage.k8s.io", "v1", "storageclasses", namespaced=False),
    )
}
