"""The metric families in which servers count their requests, by convention.

Each entry is a convention from its own documentation: OpenTelemetry HTTP and RPC semantic conventions (stable and
before 1.21), Istio standard metrics, Envoy's own, ingress-nginx, Spring Boot (Micrometer), go-grpc-prometheus, Tempo
and OpenTelemetry span metrics, Prometheus client library practice. Order is preference where a workload has several.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

_HTTP_ERROR = '=~"5.."'
# Codes that OpenTelemetry counts as errors of a gRPC server; the others are the caller's fault.
_GRPC_ERROR_NAMES = '=~"Unknown|DeadlineExceeded|Unimplemented|Internal|Unavailable|DataLoss"'
_GRPC_ERROR_NUMBERS = '=~"2|4|12|13|14|15"'
_GRPC_ERROR_WORDS = '=~"UNKNOWN|DEADLINE_EXCEEDED|UNIMPLEMENTED|INTERNAL|UNAVAILABLE|DATA_LOSS"'
_SPAN_ERROR = '="STATUS_CODE_ERROR"'


@dataclass(frozen=True)
class RequestFamily:
    """`count` counts requests; `bucket` is its latency histogram, if any, in `seconds_per_unit`.

    `failure` is pairs (status label, matcher); the first label that exists is used. `where` limits the family to
    the server's own view where both sides report.
    """

    name: str
    count: str
    failure: tuple[tuple[str, str], ...]
    bucket: str = ""
    seconds_per_unit: float = 1.0
    where: str = ""

    @property
    def total(self) -> str:
        """The sum of all durations, which every histogram has beside its buckets."""
        return self.bucket.removesuffix("_bucket") + "_sum"


FAMILIES: Final = (
    RequestFamily(
        "OpenTelemetry HTTP server",
        "http_server_request_duration_seconds_count",
        (("http_response_status_code", _HTTP_ERROR),),
        "http_server_request_duration_seconds_bucket",
    ),
    RequestFamily(
        "OpenTelemetry HTTP server (before 1.21, ms)",
        "http_server_duration_milliseconds_count",
        (("http_status_code", _HTTP_ERROR), ("http_response_status_code", _HTTP_ERROR)),
        "http_server_duration_milliseconds_bucket",
        0.001,
    ),
    RequestFamily(
        "OpenTelemetry HTTP server (before 1.21)",
        "http_server_duration_count",
        (("http_status_code", _HTTP_ERROR), ("http_response_status_code", _HTTP_ERROR)),
        "http_server_duration_bucket",
        0.001,
    ),
    RequestFamily(
        "Spring Boot",
        "http_server_requests_seconds_count",
        (("status", _HTTP_ERROR),),
        "http_server_requests_seconds_bucket",
    ),
    RequestFamily(
        "HTTP client library",
        "http_request_duration_seconds_count",
        (("status_code", _HTTP_ERROR), ("code", _HTTP_ERROR), ("status", _HTTP_ERROR)),
        "http_request_duration_seconds_bucket",
    ),
    RequestFamily(
        "HTTP client library counter",
        "http_requests_total",
        (("code", _HTTP_ERROR), ("status", _HTTP_ERROR), ("status_code", _HTTP_ERROR)),
    ),
    RequestFamily(
        "OpenTelemetry RPC server",
        "rpc_server_duration_milliseconds_count",
        (("rpc_grpc_status_code", _GRPC_ERROR_NUMBERS),),
        "rpc_server_duration_milliseconds_bucket",
        0.001,
    ),
    RequestFamily(
        "OpenTelemetry RPC server (seconds)",
        "rpc_server_call_duration_seconds_count",
        (("rpc_response_status_code", _GRPC_ERROR_WORDS),),
        "rpc_server_call_duration_seconds_bucket",
    ),
    RequestFamily(
        "gRPC server",
        "grpc_server_handled_total",
        (("grpc_code", _GRPC_ERROR_NAMES),),
        "grpc_server_handling_seconds_bucket",
    ),
    RequestFamily(
        "Istio",
        "istio_requests_total",
        (("response_code", _HTTP_ERROR),),
        "istio_request_duration_milliseconds_bucket",
        0.001,
        'reporter="destination"',
    ),
    RequestFamily(
        "Linkerd",
        "response_total",
        (("classification", '="failure"'),),
        "response_latency_ms_bucket",
        0.001,
        'direction="inbound"',
    ),
    RequestFamily(
        "ingress-nginx",
        "nginx_ingress_controller_requests",
        (("status", _HTTP_ERROR),),
        "nginx_ingress_controller_request_duration_seconds_bucket",
    ),
    RequestFamily(
        "Envoy",
        "envoy_http_downstream_rq_xx",
        (("envoy_response_code_class", '="5"'),),
        "envoy_http_downstream_rq_time_bucket",
        0.001,
        'envoy_http_conn_manager_prefix!~"admin|stats"',
    ),
    RequestFamily(
        "span metrics (Tempo)",
        "traces_spanmetrics_calls_total",
        (("status_code", _SPAN_ERROR),),
        "traces_spanmetrics_latency_bucket",
        1.0,
        'span_kind="SPAN_KIND_SERVER"',
    ),
    RequestFamily(
        "span metrics (OpenTelemetry Collector)",
        "traces_span_metrics_calls_total",
        (("status_code", _SPAN_ERROR),),
        "traces_span_metrics_duration_milliseconds_bucket",
        0.001,
        'span_kind="SPAN_KIND_SERVER"',
    ),
)

NAMESPACE_LABELS: Final = (
    "namespace",
    "exported_namespace",
    "destination_workload_namespace",
    "k8s_namespace_name",
    "kubernetes_namespace",
    "service_namespace",
)

CLUSTER_LABELS: Final = tuple(label for label in NAMESPACE_LABELS if label != "service_namespace")
"""Those of Kubernetes alone: OpenTelemetry's `service.namespace` groups services wherever they run."""

BESIDE: Final = ",".join(f'{label}=""' for label in CLUSTER_LABELS)
"""Matchers of what was scraped beside Kubernetes."""

POD_LABELS: Final = ("exported_pod", "k8s_pod_name", "pod", "pod_name")
"""Under which telemetry names a pod. Where two stand on one series, `pod` may be that of who collects for others."""

WORKLOAD_LABELS: Final = (
    "destination_workload",
    "k8s_deployment_name",
    "deployment",
    "service_name",
    "exported_service",
    "service",
    "app_kubernetes_io_name",
    "app",
    "exported_job",
    "job",
    *POD_LABELS,
)

SERVICE_LABELS: Final = tuple(label for label in WORKLOAD_LABELS if label not in POD_LABELS)
"""Those under which telemetry names a service, wherever it runs."""
