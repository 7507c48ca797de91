"""What an executed notebook shows, as values: texts, tables, charts and pictures, cell by cell.

For comparing and searching runs; how things look is `outputs`' business. A table is what an HTML table says, a chart is
its series with a few measures of each.
"""

from __future__ import annotations

import base64
import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html.parser import HTMLParser
from itertools import groupby
from typing import Any, TypeAlias

from autodevops.kernel.ids import bytes_digest
from autodevops.runbooks.files import PLOTLY_MIME
from autodevops.runbooks.texts import distinct, joined, without_colours

_TAG = re.compile(r"<[^>]*>")
_IMAGES = ("image/png", "image/jpeg", "image/gif", "image/webp", "image/svg+xml")


@dataclass(frozen=True)
class Text:
    text: str


@dataclass(frozen=True)
class Table:
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]  # each as long as `columns`


@dataclass(frozen=True)
class Trace:
    """One series. `measures`: points, minimum, maximum, mean, last; points alone where there is no number."""

    name: str
    measures: Mapping[str, float]


@dataclass(frozen=True)
class Chart:
    title: str
    traces: tuple[Trace, ...]


@dataclass(frozen=True)
class Picture:
    digest: str


Shown: TypeAlias = Text | Table | Chart | Picture


@dataclass(frozen=True)
class CellContents:
    index: int  # in the executed notebook
    heading: str  # the Markdown heading it stands under
    source: str
    shown: tuple[Shown, ...]


def contents(notebook: Mapping[str, Any]) -> tuple[CellContents, ...]:
    """The code cells of a notebook, without the one that only holds this run's parameters."""
    found, heading = [], ""
    for index, cell in enumerate(notebook.get("cells", ())):
        source = joined(cell.get("source", ""))
        if cell.get("cell_type") == "markdown":
            headings = [line.lstrip("#").strip() for line in source.splitlines() if re.match(r"#{1,6} ", line)]
            heading = headings[-1] if headings else heading
        elif cell.get("cell_type") == "code" and "injected-parameters" not in cell.get("metadata", {}).get("tags", ()):
            found.append(CellContents(index, heading, source, tuple(_shown(cell.get("outputs", ())))))
    return tuple(found)


def _shown(outputs: Sequence[Mapping[str, Any]]) -> Iterator[Shown]:
    for kind, group in groupby(outputs, key=lambda item: (item.get("output_type"), item.get("name"))):
        if kind[0] == "stream":
            yield Text(without_colours("".join(joined(item.get("text", "")) for item in group)))
            continue
        for item in group:
            if kind[0] == "error":
                yield Text(without_colours(f"{item.get('ename', '')}: {item.get('evalue', '')}"))
            else:
                yield from _data(item.get("data", {}))


def _data(data: Mapping[str, Any]) -> Iterator[Shown]:
    if isinstance(figure := data.get(PLOTLY_MIME), dict):
        yield _chart(figure)
        return
    for kind in _IMAGES:
        if kind in data:
            yield Picture(bytes_digest(joined(data[kind]).strip().encode()))
            return
    if "text/html" in data:
        page = _Page(joined(data["text/html"]))
        yield from page.tables
        if text := " ".join(page.text.split()):
            yield Text(text)
    elif "text/markdown" in data:
        yield Text(joined(data["text/markdown"]))
    elif "application/json" in data:
        yield Text(json.dumps(data["application/json"], indent=1, sort_keys=True, ensure_ascii=False))
    elif "text/plain" in data:
        yield Text(without_colours(joined(data["text/plain"])))


class _Page(HTMLParser):
    """The tables of a piece of HTML, and the text outside them."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tables: list[Table] = []
        self.text = ""
        self._depth = 0
        self._hidden = 0
        self._head: list[list[str]] = []
        self._body: list[list[str]] = []
        self._row: list[str] | None = None
        self._in_head = False
        self._cell: list[str] | None = None
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in {"style", "script"}:
            self._hidden += 1
        elif tag == "table":
            self._depth += 1
        elif self._depth != 1:
            return
        elif tag in {"thead", "tbody"}:
            self._in_head = tag == "thead"
        elif tag == "tr":
            self._row = []
        elif tag in {"td", "th"}:
            self._end_cell()
            self._cell = []

    def handle_endtag(self, tag: str) -> None:
        if tag in {"style", "script"}:
            self._hidden = max(0, self._hidden - 1)
        elif tag == "table" and self._depth:
            self._depth -= 1
            if not self._depth:
                self._end_table()
        elif self._depth == 1 and tag in {"td", "th"}:
            self._end_cell()
        elif self._depth == 1 and tag == "tr":
            self._end_row()
        elif tag == "thead":
            self._in_head = False

    def handle_data(self, data: str) -> None:
        if self._hidden:
            return
        if self._cell is not None:
            self._cell.append(data)
        elif not self._depth:
            self.text += data

    def close(self) -> None:
        super().close()
        if self._depth:  # a table that was never ended
            self._depth = 0
            self._end_table()

    def _end_cell(self) -> None:
        if self._cell is not None and self._row is not None:
            self._row.append(" ".join("".join(self._cell).split()))
        self._cell = None

    def _end_row(self) -> None:
        self._end_cell()
        if self._row:
            (self._head if self._in_head else self._body).append(self._row)
        self._row = None

    def _end_table(self) -> None:
        self._end_row()
        head = max(self._head, key=lambda row: sum(map(bool, row)), default=[])
        width = max([len(head), *(len(row) for row in self._body)], default=0)
        if width:
            columns = distinct([*head, *[""] * (width - len(head))])
            rows = tuple((*row, *[""] * (width - len(row))) for row in self._body)
            self.tables.append(Table(columns, rows))
        self._head, self._body = [], []


def _chart(figure: Mapping[str, Any]) -> Chart:
    title = figure.get("layout", {}).get("title", "")
    words = title.get("text", "") if isinstance(title, dict) else title
    bold = re.search(r"<b>(.*?)</b>", str(words))
    traces = [trace for trace in figure.get("data", ()) if isinstance(trace, dict)]
    names = distinct([_TAG.sub("", str(one.get("name") or f"series {at}")) for at, one in enumerate(traces, start=1)])
    return Chart(
        _TAG.sub("", bold[1] if bold else str(words)).strip(),
        tuple(Trace(name, _measures(trace)) for name, trace in zip(names, traces, strict=True)),
    )


def _measures(trace: Mapping[str, Any]) -> dict[str, float]:
    keys = ("x",) if trace.get("orientation") == "h" else ("y", "z", "values", "r", "x")
    column = next((trace[key] for key in keys if trace.get(key) is not None), ())
    numbers = [value for value in _numbers(column) if math.isfinite(value)]
    if not numbers:
        return {"points": float(len(column) if isinstance(column, list) else 0)}
    return {
        "points": float(len(numbers)),
        "minimum": min(numbers),
        "maximum": max(numbers),
        "mean": math.fsum(numbers) / len(numbers),
        "last": numbers[-1],
    }


def _numbers(column: Any) -> Iterator[float]:
    """Of a list, nested or not, or of Plotly's `{"dtype", "bdata"}`."""
    if isinstance(column, dict):
        import numpy as np

        try:
            yield from np.frombuffer(base64.b64decode(column["bdata"]), dtype=column["dtype"]).astype(float).tolist()
        except (KeyError, TypeError, ValueError):
            return
    elif isinstance(column, list | tuple):
        for value in column:
            if isinstance(value, list | tuple):
                yield from _numbers(value)
            elif isinstance(value, int | float) and not isinstance(value, bool):
                yield float(value)
