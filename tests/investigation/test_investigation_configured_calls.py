"""Who is set up to call whom by the variables that the kubelet makes of Services."""

from __future__ import annotations

from typing import Any

import pytest

from autodevops.domain.evidence import EvidenceId
from autodevops.investigation.configured_calls import configured_edges
from autodevops.investigation.inventory import build


def _service(name: str, *ports: dict[str, Any]) -> dict[str, Any]:
    return {
        "kind": "Service",
        "apiVersion": "v1",
        "metadata": {"name": name, "namespace": "store"},
        "spec": {"selector": {"app": name}, "ports": [*ports]},
    }


def _deployment(name: str, container: dict[str, Any], **spec: Any) -> dict[str, Any]:
    template = {"metadata": {"labels": {"app": name}}, "spec": {"containers": [{"name": name, **container}], **spec}}
    return {
        "kind": "Deployment",
        "apiVersion": "apps/v1",
        "metadata": {"name": name, "namespace": "store"},
        "spec": {"selector": {"matchLabels": {"app": name}}, "template": template},
    }


def _env(**values: str) -> dict[str, Any]:
    return {"env": [{"name": name, "value": value} for name, value in values.items()]}


HOST = "$(STOCK_DB_SERVICE_HOST)"


@pytest.mark.parametrize(
    ("container", "spec", "called"),
    [
        (_env(ITEMS=f"http://{HOST}/items"), {}, True),
        (_env(ITEMS=f"{HOST}:$(STOCK_DB_SERVICE_PORT_SQL)"), {}, True),
        ({"args": [f"--items=http://{HOST}:$(STOCK_DB_SERVICE_PORT)/items"]}, {}, True),
        ({"command": ["sh", "-c", 'wget "http://${STOCK_DB_SERVICE_HOST}/items"']}, {}, True),
        ({"command": ["sh", "-c", "wget http://$STOCK_DB_SERVICE_HOST/items"]}, {}, True),
        (_env(ITEMS="http://$(CATALOG_SERVICE_HOST)/items"), {}, False),
        (_env(ITEMS=f"http://{HOST}/items"), {"enableServiceLinks": False}, False),
        (_env(STOCK_DB_SERVICE_HOST="db.example.org", ITEMS=HOST), {}, False),
    ],
)
def test_a_services_own_variables_name_it(container: dict[str, Any], spec: dict[str, Any], called: bool) -> None:
    inventory = build(
        "store",
        {
            "Service": [_service("stock-db", {"name": "sql", "port": 5432}, {"name": "web", "port": 80})],
            "Deployment": [_deployment("stock-db", {}), _deployment("cart", container, **spec)],
        },
        known=True,
    )
    edges = configured_edges(inventory, EvidenceId("ev-1"))
    assert [(edge.origin.name, edge.target.name) for edge in edges] == ([("cart", "stock-db")] if called else [])
