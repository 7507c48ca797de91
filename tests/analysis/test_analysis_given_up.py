"""A server whose caller gave up has not failed; one that failed by itself has."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from autodevops.analysis.given_up import without_given_up
from autodevops.domain.trace import Span


def _span(kind: str, message: str, **attributes: Any) -> Span:
    return Span.model_validate(
        {
            "span_id": "1",
            "service": "catalog",
            "name": "List",
            "kind": kind,
            "start": datetime(2026, 3, 9, tzinfo=UTC),
            "duration_ms": 400.0,
            "status": "error",
            "status_message": message,
            "attributes": {key.replace("__", "."): value for key, value in attributes.items()},
        }
    )


@pytest.mark.parametrize(
    ("span", "failed"),
    [
        (_span("server", "context canceled", rpc__grpc__status_code=1), False),
        (_span("server", "context canceled"), False),
        (_span("server", "", http__response__status_code=499), False),
        (_span("server", "context deadline exceeded", rpc__grpc__status_code=4), True),
        (_span("server", "context canceled", rpc__grpc__status_code=13), True),
        (_span("server", "order was cancelled by a rule"), True),
        (_span("client", "context canceled", rpc__grpc__status_code=1), True),
    ],
)
def test_cancelled_by_the_caller_is_no_error_of_the_server(span: Span, failed: bool) -> None:
    assert (without_given_up(span).status == "error") == failed
