"""Matchers of a silence, read with Prometheus' own grammar and given as Alertmanager's JSON wants them."""

from __future__ import annotations

from typing import Any

from autodevops.kernel.errors import ToolRejected

_FORM = 'Give labels as {alertname="HighErrorRate",namespace=~"shop|pay"}.'


def parse(text: str) -> list[dict[str, Any]]:
    """The matchers in `text`, which is a PromQL selector without a metric name. Raises ToolRejected."""
    import promql_parser

    bare = text.strip()
    if not bare.startswith("{"):
        bare = f"{{{bare}}}"
    try:
        selector = promql_parser.parse(bare)
    except ValueError as error:
        raise ToolRejected(f"{text!r} are no matchers: {error}.", _FORM) from error
    if not isinstance(selector, promql_parser.VectorSelector) or selector.name or selector.matchers.or_matchers:
        raise ToolRejected(f"{text!r} are no matchers.", _FORM)
    if selector.offset is not None or selector.at is not None:
        raise ToolRejected(f"{text!r} has a time in it, which a silence's matchers have not.", _FORM)
    return [
        {
            "name": matcher.name,
            "value": matcher.value,
            "isRegex": matcher.op in (promql_parser.MatchOp.Re, promql_parser.MatchOp.NotRe),
            "isEqual": matcher.op in (promql_parser.MatchOp.Equal, promql_parser.MatchOp.Re),
        }
        for matcher in selector.matchers.matchers
    ]
