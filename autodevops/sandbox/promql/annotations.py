"""Remarks about a query that do not stop it: Prometheus' warnings and infos, with where they are about."""

from __future__ import annotations

import numpy as np

from autodevops.sandbox.promql.parse import Token, tokenize
from autodevops.sandbox.promql.values import Floats


class Annotations:
    """Collects remarks in order, each once."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._warnings: dict[str, None] = {}
        self._infos: dict[str, None] = {}

    @property
    def warnings(self) -> tuple[str, ...]:
        return tuple(self._warnings)

    @property
    def infos(self) -> tuple[str, ...]:
        return tuple(self._infos)

    def warn(self, sentence: str) -> None:
        self._warnings[f"PromQL warning: {sentence}"] = None

    def info(self, sentence: str) -> None:
        self._infos[f"PromQL info: {sentence}"] = None

    def quantile(self, q: Floats, function: str) -> None:
        """Warns of a quantile outside 0 to 1."""
        odd = q[np.isnan(q) | (q < 0) | (q > 1)]
        for value in dict.fromkeys(str(v) for v in odd.tolist()):
            shown = {"nan": "NaN", "inf": "+Inf", "-inf": "-Inf"}.get(value, value.removesuffix(".0"))
            self.warn(f"quantile value should be between 0 and 1, got {shown} ({self._argument(function, 0)})")

    def counter(self, metric: str, function: str, suffixes: tuple[str, ...]) -> None:
        """Notes that a rate is taken of something that does not look like a counter."""
        if metric and not metric.endswith(suffixes):
            words = "metric might not be a counter, name does not end in _total/_sum/_count/_bucket"
            self.info(f'{words}: "{metric}" ({self._argument(function, 0)})')

    def bad_bucket(self, metric: str, value: str, function: str, argument: int) -> None:
        words = f'bucket label "le" is missing or has a malformed value of "{value}"'
        self.warn(f'{words} for metric name "{metric}" ({self._argument(function, argument)})')

    def forced_monotonic(self, metric: str, function: str) -> None:
        words = "input to histogram_quantile needed to be fixed for monotonicity (see "
        words += "https://prometheus.io/docs/prometheus/latest/querying/functions/#histogram_quantile)"
        self.info(f'{words} for metric name "{metric}" ({self._argument(function, 1)})')

    def _argument(self, function: str, index: int) -> str:
        """`line:column` of an argument of the first call of `function`."""
        tokens = tokenize(self._text)
        for at, token in enumerate(tokens):
            if token.text == function and at + 1 < len(tokens) and tokens[at + 1].text == "(":
                return self._place(_nth_argument(tokens, at + 2, index))
            if token.text.lower() == function and at + 1 < len(tokens):
                return self._place(next((t for t in tokens[at:] if t.kind == "number"), token))
        return "1:1"

    def _place(self, token: Token) -> str:
        line = self._text.count("\n", 0, token.start) + 1
        return f"{line}:{token.start - (self._text.rfind(chr(10), 0, token.start) + 1) + 1}"


def _nth_argument(tokens: list[Token], start: int, index: int) -> Token:
    depth, seen = 0, 0
    for token in tokens[start:]:
        if seen == index and depth == 0:
            return token
        depth += {"(": 1, "[": 1, "{": 1, ")": -1, "]": -1, "}": -1}.get(token.text, 0)
        seen += token.text == "," and depth == 0
    return tokens[min(start, len(tokens) - 1)]
