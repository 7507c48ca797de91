"""Query results as Prometheus writes them in JSON.

A six-hour range query over a thousand series has 720,000 samples, so their text is joined from strings rather than
built as objects.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from operator import add
from typing import Any

import numpy as np
import orjson
from starlette.responses import Response

from autodevops.sandbox.promql.labels import Labels
from autodevops.sandbox.promql.values import Floats, HistogramSamples, QueryResult, SeriesResult
from autodevops.sandbox.wire.go import format_float

JSON = "application/json"


def success(data: Any, warnings: tuple[str, ...] = (), infos: tuple[str, ...] = ()) -> Response:
    """`{"status": "success", "data": ...}`."""
    return answer(json.dumps(data, ensure_ascii=False, separators=(",", ":")), warnings, infos)


def answer(data: str, warnings: tuple[str, ...] = (), infos: tuple[str, ...] = ()) -> Response:
    """The same for data that is JSON text already."""
    remarks = "".join(
        f',"{key}":{json.dumps(list(sentences), ensure_ascii=False)}'
        for key, sentences in (("warnings", warnings), ("infos", infos))
        if sentences
    )
    return Response(f'{{"status":"success","data":{data}{remarks}}}', media_type=JSON)


def failure(status: int, kind: str, message: str) -> Response:
    body = {"status": "error", "errorType": kind, "error": message}
    return Response(json.dumps(body, ensure_ascii=False, separators=(",", ":")), status_code=status, media_type=JSON)


def query_data(result: QueryResult) -> str:
    """The `data` of a query's answer."""
    return f'{{"resultType":"{result.kind}","result":{_result(result)}}}'


def timestamp(millis: int) -> str:
    """`1435781430.781`; whole seconds without a fraction."""
    seconds, rest = divmod(millis, 1000)
    return f"{seconds}.{rest:03d}" if rest else str(seconds)


def number(value: float) -> str:
    """A sample's value as Prometheus spells it: `3`, `0.25`, `1e-07`, `NaN`, `+Inf`."""
    size = abs(value)
    if size != 0 and math.isfinite(size) and (size < 1e-6 or size >= 1e21):
        mantissa, _, exponent = f"{value!r}".partition("e")
        if not exponent:
            mantissa, _, exponent = _scientific(value)
        return f"{mantissa.removesuffix('.0')}e{exponent[0] if exponent[0] in '+-' else '+'}{exponent.lstrip('+-'):0>2}"
    return format_float(value)


def _scientific(value: float) -> tuple[str, str, str]:
    for digits in range(17):
        text = f"{value:.{digits}e}"
        if float(text) == value:
            return text.partition("e")
    return f"{value:.17e}".partition("e")


def _result(result: QueryResult) -> str:
    match result.kind:
        case "string":
            stamp = timestamp(int(result.series[0].times[0]))
            return f"[{stamp},{json.dumps(result.text, ensure_ascii=False)}]"
        case "scalar":
            series = result.series[0]
            return _pair(int(series.times[0]), float(series.values[0]))
        case "vector":
            return "[" + ",".join(_vector_row(series) for series in result.series) + "]"
    return "[" + ",".join(_matrix_rows(result.series)) + "]"


def _pair(millis: int, value: float) -> str:
    return f'[{timestamp(millis)},"{number(value)}"]'


def _metric(labels: Labels) -> str:
    return json.dumps(dict(labels), ensure_ascii=False, separators=(",", ":"))


def _vector_row(series: SeriesResult) -> str:
    at = int(series.times[0])
    if series.histograms is not None:
        return f'{{"metric":{_metric(series.labels)},"histogram":[{timestamp(at)},{_histogram(series.histograms, 0)}]}}'
    return f'{{"metric":{_metric(series.labels)},"value":{_pair(at, float(series.values[0]))}}}'


def _matrix_rows(rows: list[SeriesResult]) -> list[str]:
    prefixes: dict[bytes, list[str]] = {}
    out = []
    for series in rows:
        key = series.times.tobytes()
        stamps = prefixes.get(key)
        if stamps is None:
            stamps = prefixes[key] = [f'[{timestamp(at)},"' for at in series.times.tolist()]
        if series.histograms is not None:
            pairs = ",".join(
                f"{stamp[:-1]}{_histogram(series.histograms, index)}]" for index, stamp in enumerate(stamps)
            )
            out.append(f'{{"metric":{_metric(series.labels)},"histograms":[{pairs}]}}')
            continue
        out.append(f'{{"metric":{_metric(series.labels)},"values":[{_samples(stamps, series.values)}]}}')
    return out


def _samples(stamps: list[str], values: Floats) -> str:
    texts = orjson.dumps(np.ascontiguousarray(values), option=orjson.OPT_SERIALIZE_NUMPY)[1:-1].decode().split(",")
    size = np.abs(values)
    # Go spells most numbers as JSON does, but for the `.0` of whole ones.
    for index in np.flatnonzero(~(((size >= 1e-4) & (size < 1e16)) | (size == 0))).tolist():
        texts[index] = number(float(values[index]))
    return ('"],'.join(map(add, stamps, texts)) + '"]').replace('.0"]', '"]')


def _histogram(samples: HistogramSamples, row: int) -> str:
    bounds = [-math.inf, *(samples.bounds or ()), math.inf]
    buckets = [
        [0 if low != -math.inf else 3, number(low), number(high), number(float(count))]
        for low, high, count in zip(bounds, bounds[1:], samples.counts[row], strict=False)
        if count
    ]
    body: Mapping[str, Any] = {
        "count": number(float(samples.totals[row])),
        "sum": number(float(samples.sums[row])),
        "buckets": buckets,
    }
    return json.dumps(body, separators=(",", ":"))
