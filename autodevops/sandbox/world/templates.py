"""Pod templates: what a Deployment of a service and version says its pods are. Vendor's JSON, nothing else."""

from __future__ import annotations

from autodevops.sandbox.cluster.store import Json
from autodevops.sandbox.world.topology import Service

COMMIT_ANNOTATION = "org.opencontainers.image.revision"
CAUSE_ANNOTATION = "kubernetes.io/change-cause"


def selector(service: Service) -> dict[str, str]:
    """Labels that tie pods to their workload and Service."""
    if service.namespace == "kube-system":
        return {"k8s-app": "kube-dns" if service.name == "coredns" else service.name}
    return {"app.kubernetes.io/name": service.name}


def common_labels(service: Service) -> dict[str, str]:
    """Labels every object of a service carries."""
    if service.namespace == "kube-system":
        return selector(service)
    return {**selector(service), "app.kubernetes.io/part-of": service.namespace, "team": service.owner}


def pod_template(service: Service, version: str, commit: str) -> Json:
    """The pod template that releases `version` of `service`."""
    labels = common_labels(service)
    annotations: dict[str, str] = {}
    if service.namespace != "kube-system":
        labels["app.kubernetes.io/version"] = version
        if service.is_http:
            annotations = {"prometheus.io/scrape": "true", "prometheus.io/port": str(service.port)}
    if commit:
        annotations[COMMIT_ANNOTATION] = commit
    metadata: Json = {"creationTimestamp": None, "labels": labels}
    if annotations:
        metadata["annotations"] = annotations
    spec: Json = {
        "containers": [_container(service, version)],
        "restartPolicy": "Always",
        "terminationGracePeriodSeconds": 30,
        "dnsPolicy": "ClusterFirst",
        "serviceAccountName": service.name,
        "serviceAccount": service.name,
        "securityContext": {},
        "schedulerName": "default-scheduler",
    }
    if service.config:
        spec["volumes"] = [{"name": "config", "configMap": {"name": f"{service.name}-config", "defaultMode": 420}}]
    if service.namespace == "kube-system":
        spec["priorityClassName"] = "system-node-critical" if service.kind == "DaemonSet" else "system-cluster-critical"
    if service.kind == "DaemonSet":
        spec["tolerations"] = [{"operator": "Exists"}]
    return {"metadata": metadata, "spec": spec}


def _container(service: Service, version: str) -> Json:
    container: Json = {
        "name": service.name,
        "image": f"{service.repository}:{version}",
        "imagePullPolicy": "IfNotPresent",
        "ports": [{"name": service.port_name, "containerPort": service.port, "protocol": _transport(service)}],
        "resources": _resources(service),
        "terminationMessagePath": "/dev/termination-log",
        "terminationMessagePolicy": "File",
    }
    env: list[Json] = [{"name": name, "value": value} for name, value in service.env.items()]
    if service.is_http:
        env += [
            {"name": "OTEL_SERVICE_NAME", "value": service.name},
            {"name": "OTEL_EXPORTER_OTLP_ENDPOINT", "value": "http://tempo.observability:4317"},
        ]
    env += [
        {"name": key, "valueFrom": {"secretKeyRef": {"name": f"{service.name}-secrets", "key": key}}}
        for key in service.secret
    ]
    if env:
        container["env"] = env
    mounts: list[Json] = []
    if service.config:
        mounts.append({"name": "config", "mountPath": f"/etc/{service.name}", "readOnly": True})
    if service.storage:
        mounts.append({"name": "data", "mountPath": "/var/lib/data"})
    if mounts:
        container["volumeMounts"] = mounts
    if service.probe:
        check: Json = {"path": service.probe, "port": service.port_name, "scheme": "HTTP"}
        timing: Json = {"timeoutSeconds": 2, "periodSeconds": 10, "successThreshold": 1, "failureThreshold": 3}
        container["livenessProbe"] = {"httpGet": check, "initialDelaySeconds": 15, **timing}
        container["readinessProbe"] = {"httpGet": check, **timing, "periodSeconds": 5}
    elif service.protocol != "http":
        probe: Json = {"tcpSocket": {"port": service.port_name}, "timeoutSeconds": 2, "periodSeconds": 10}
        container["readinessProbe"] = {**probe, "successThreshold": 1, "failureThreshold": 3}
    return container


def _transport(service: Service) -> str:
    return "UDP" if service.port == 53 else "TCP"


def _resources(service: Service) -> Json:
    r = service.resources
    requests = {k: v for k, v in (("cpu", r.cpu_request), ("memory", r.memory_request)) if v}
    limits = {k: v for k, v in (("cpu", r.cpu_limit), ("memory", r.memory_limit)) if v}
    return {name: value for name, value in (("limits", limits), ("requests", requests)) if value}
