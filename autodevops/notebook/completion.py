"""What Tab offers in `%%promql`, `%%logql`, `%%traceql` and `%kube`: names and values that exist.

Where the cursor is decides what is asked: a metric, a label, or a label's values. Nobody waits long for it: what comes
later is there at the next Tab, and a system that does not answer offers nothing.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as TooLate
from dataclasses import dataclass

from IPython.core.completer import CompletionContext, SimpleCompletion, SimpleMatcherResult, context_matcher

from autodevops.domain.base import Json
from autodevops.kernel.clock import monotonic_ms
from autodevops.kernel.errors import AutoDevOpsError
from autodevops.kernel.query_text import escape
from autodevops.notebook import desk
from autodevops.toolbox.protocol import ToolAnswer

WAIT_SECONDS = 2.0  # for one list of names: longer feels broken while typing
KEPT_MS = 60_000.0
OFFERED = 500

_PROMQL = tuple(
    """
    abs avg avg_over_time bottomk by ceil changes clamp_max clamp_min count count_over_time count_values delta deriv
    floor group_left group_right histogram_count histogram_quantile histogram_sum ignoring increase irate label_join
    label_replace last_over_time max max_over_time min min_over_time offset on or predict_linear quantile
    quantile_over_time rate resets round scalar sort sort_desc stddev sum sum_over_time time topk unless vector without
    """.split()  # noqa: SIM905 - words to read
)
_LOGQL = tuple(
    """
    avg by bytes_over_time bytes_rate count count_over_time json label_format line_format logfmt max min pattern rate
    regexp sum sum_over_time topk unwrap without
    """.split()  # noqa: SIM905
)
_TRACEQL = ("status=error", "status=ok", "duration", "kind", "name", "rootName", "rootServiceName", "traceDuration")
_VERBS = ["events", "get", "logs"]
_NAMESPACE = ("-n", "--namespace")
OPTIONS: Mapping[str, Sequence[str]] = {
    "promql": ("as", "at", "end", "last", "start", "step"),
    "logql": ("as", "end", "last", "limit", "start", "step"),
    "traceql": ("as", "end", "last", "limit", "start"),
}

_CELL = re.compile(r"\s*%%(promql|logql|traceql)\b")
_VALUE = re.compile(r'([A-Za-z_][\w.:]*)\s*(?:=~|!~|!=|=)\s*"((?:[^"\\]|\\.)*)$')
_LABEL = re.compile(r"[{,]\s*([A-Za-z_]\w*)?$")
_GROUP = re.compile(r"\b(?:by|without|on|ignoring|group_left|group_right)\s*\(\s*(?:\w+\s*,\s*)*(\w*)$")
_METRIC = re.compile(r"([A-Za-z_:][\w:]*)\s*$")
_WORD = re.compile(r"[\w:.]*$")


@dataclass(frozen=True)
class Offer:
    """What was typed of a word, and the words it may become."""

    typed: str
    words: Sequence[str]


@context_matcher()  # type: ignore[untyped-decorator]
def complete(context: CompletionContext) -> SimpleMatcherResult:
    offer = offers(context.full_text, context.cursor_line, context.cursor_position)
    nothing: SimpleMatcherResult = {"completions": []}
    if offer is None:
        return nothing
    # IPython replaces its own token, which may be the end of what was typed: `10.0.0.1:80` is two tokens.
    token = context.token if offer.typed.endswith(context.token) else offer.typed
    skipped = len(offer.typed) - len(token)
    found = [word for word in offer.words if word.startswith(offer.typed)][:OFFERED]
    return {
        "completions": [SimpleCompletion(word[skipped:], type="name") for word in found],
        "matched_fragment": token,
        "suppress": bool(found),
        "ordered": True,
    }


def offers(text: str, line: int, column: int) -> Offer | None:
    """For the cursor at a line and column, both from 0; None where the cell is none of ours."""
    lines = text.split("\n")
    before = lines[line][:column]
    if before.lstrip().startswith("%kube "):
        return _kube(before.lstrip().removeprefix("%kube "))
    cell = _CELL.match(lines[0])
    if cell is None:
        return None
    language = cell[1]
    if line == 0:
        typed = before.rpartition(" ")[2]
        return Offer(typed, [f"--{name}" for name in OPTIONS[language]]) if typed.startswith("-") else None
    body = "\n".join([*lines[1:line], before])
    return _READERS[language](body)


def _promql(body: str) -> Offer:
    match = _metric(body)
    if found := _VALUE.search(body):
        return Offer(found[2], _values("prometheus.list_label_values", {"label": found[1], "match": match}))
    if _in_braces(body) and (found := _LABEL.search(body)):
        return Offer(found[1] or "", _prometheus_labels(match))
    if found := _GROUP.search(body):
        return Offer(found[1], _prometheus_labels(_first_metric(body)))
    return Offer(_word(body), sorted([*_PROMQL, *_names("prometheus.list_metrics", {})]))


def _logql(body: str) -> Offer:
    if found := _VALUE.search(body):
        return Offer(found[2], _values("loki.list_label_values", {"label": found[1]}))
    if (_in_braces(body) and (found := _LABEL.search(body))) or (found := _GROUP.search(body)):
        return Offer(found[1] or "", _names("loki.list_labels", {}))
    return Offer(_word(body), _LOGQL)


def _traceql(body: str) -> Offer:
    if found := _VALUE.search(body):
        return Offer(found[2], _values("tempo.list_tag_values", {"tag": found[1]}))
    return Offer(_word(body), sorted([*_TRACEQL, *_names("tempo.list_tags", {})]))


_READERS: Mapping[str, Callable[[str], Offer]] = {"promql": _promql, "logql": _logql, "traceql": _traceql}


def _kube(said: str) -> Offer | None:
    words = said.split(" ")
    typed, done = words[-1], [word for word in words[:-1] if word]
    if not done:
        return Offer(typed, _VERBS)
    if done[-1] in _NAMESPACE:
        return Offer(typed, _objects("Namespace", ""))
    namespace = next((b for a, b in itertools.pairwise(done) if a in _NAMESPACE), "")
    things = [
        word for at, word in enumerate(done[1:], 1) if not word.startswith("-") and done[at - 1] not in _NAMESPACE
    ]
    if done[0] == "get" and not things:
        return Offer(typed, _kinds())
    if done[0] in ("get", "logs") and len(things) == (1 if done[0] == "get" else 0):
        return Offer(typed, _objects(things[0] if things else "Pod", namespace))
    return None


def _metric(body: str) -> str:
    """The metric whose braces are open."""
    found = _METRIC.search(body[: body.rfind("{")]) if "{" in body else None
    return found[1] if found else ""


def _first_metric(body: str) -> str:
    after = [name for name in re.findall(r"[A-Za-z_:][\w:]*(?=\s*[{\[])", body) if name not in _PROMQL]
    return after[-1] if after else ""


def _in_braces(body: str) -> bool:
    return body.rfind("{") > body.rfind("}")


def _word(body: str) -> str:
    found = _WORD.search(body)
    return found[0] if found else ""


def _prometheus_labels(match: str) -> list[str]:
    if not match:
        return ["instance", "job", "namespace", "pod", "service"]
    found = _asked("prometheus.find_series", {"match": match}, "series")
    return sorted({name for row in found if isinstance(row, dict) for name in row if name != "__name__"})


def _values(tool: str, arguments: Mapping[str, Json]) -> list[str]:
    """Values as they stand between quotes."""
    given = {name: value for name, value in arguments.items() if value}
    return [escape(name) for name in _names(tool, given)]


def _names(tool: str, arguments: Mapping[str, Json]) -> list[str]:
    return sorted(str(name) for name in _asked(tool, arguments, "names"))


def _kinds() -> list[str]:
    found = _asked("kubernetes.list_api_resources", {}, "resources")
    return sorted({str(each.get("name")) for each in found if isinstance(each, dict)})


def _objects(kind: str, namespace: str) -> list[str]:
    arguments: dict[str, Json] = {"kind": kind, "fields": ["metadata.name"], "namespace": namespace}
    rows = _asked("kubernetes.list_resources", arguments, "rows")
    return sorted({str(row[0]) for row in rows if isinstance(row, list) and row})


_kept: dict[str, tuple[float, Future[ToolAnswer]]] = {}


def _asked(tool: str, arguments: Mapping[str, Json], key: str) -> list[Json]:
    """The list under `key` of what a tool answers, or nothing."""
    call = f"{tool} {sorted(arguments.items())}"
    at, future = _kept.get(call, (0.0, None))
    stale = future is None or monotonic_ms() - at > KEPT_MS or (future.done() and future.exception() is not None)
    if future is None or stale:
        future = desk.start(tool, dict(arguments))
        _kept[call] = (monotonic_ms(), future)
    try:
        data = future.result(timeout=WAIT_SECONDS).data
    except (TooLate, AutoDevOpsError):
        return []
    found = data.get(key) if isinstance(data, dict) else None
    return found if isinstance(found, list) else []
