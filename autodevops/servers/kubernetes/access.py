"""May I do this? Asked of the cluster's own authorizer, several questions at once, before anything is tried."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict, Field

from autodevops.domain.tool_results import Access, AccessList
from autodevops.kernel.errors import ToolError
from autodevops.servers.kubernetes.cluster import Cluster

REVIEWS = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
WHO = "/apis/authentication.k8s.io/v1/selfsubjectreviews"


class Question(BaseModel):
    """One thing that somebody may want to do."""

    model_config = ConfigDict(extra="forbid")

    verb: str = Field(description="get, list, watch, create, update, patch, delete, ...", min_length=1)
    kind: str = Field(description="Kind, plural or short name, optionally with its group.", min_length=1)
    namespace: str = Field("", description="Empty: in all namespaces, or a kind without.")
    name: str = Field("", description="Only this object. Empty: any.")
    subresource: str = Field("", description="log, scale, eviction, exec, status, ...")


def check_access(cluster: Cluster, questions: Sequence[Question]) -> AccessList:
    return AccessList(user=_who(cluster), answers=tuple(_ask(cluster, question) for question in questions))


def _ask(cluster: Cluster, question: Question) -> Access:
    kind = cluster.type_of(question.kind)
    attributes = {
        "verb": question.verb.lower(),
        "group": kind.group,
        "version": kind.version,
        "resource": kind.plural,
        "subresource": question.subresource,
        "namespace": question.namespace if kind.namespaced else "",
        "name": question.name,
    }
    body = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": {key: value for key, value in attributes.items() if value}},
    }
    reply = cluster.api.ask("POST", REVIEWS, body=body, missing="The authorization API")
    status = cluster.api.understood(reply).get("status") or {}
    resource = f"{kind.plural}.{kind.group}".rstrip(".") + (f"/{question.subresource}" if question.subresource else "")
    return Access(
        verb=attributes["verb"],
        resource=resource,
        namespace=attributes["namespace"],
        name=question.name,
        allowed=bool(status.get("allowed")),
        reason=str(status.get("reason") or status.get("evaluationError") or ""),
    )


def _who(cluster: Cluster) -> str:
    body = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
    try:
        answer = cluster.api.understood(cluster.api.ask("POST", WHO, body=body, missing="The SelfSubjectReview API"))
    except ToolError:
        return ""  # before Kubernetes 1.28 nobody could ask; the answers stand without it
    return str(((answer.get("status") or {}).get("userInfo") or {}).get("username") or "")
