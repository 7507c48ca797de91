"""Log lines as a table: counts by level, patterns, and the first lines, each cut."""

from __future__ import annotations

from collections import Counter

from autodevops.domain.chart import LogTable
from autodevops.domain.logs import LogRecord
from autodevops.kernel.picture import cut, element, esc, plain
from autodevops.widgets.static_views.markup import PALETTE, level, moment, scoped

_LINES = 100
_PATTERNS = 8
_LETTERS = 400
_LEVELS = ("error", "warn", "info", "debug", "other")
_MONO = 'var(--jp-code-font-family,ui-monospace,Menlo,Consolas,"DejaVu Sans Mono",monospace)'
_STYLE = (
    ".adt{padding:12px 14px;border:1px solid var(--line);border-radius:8px;overflow-x:auto}"
    ".adt table{width:100%;border-collapse:collapse;font-size:12px;margin-top:8px}"
    ".adt th,.adt td{padding:2px 8px;text-align:left;vertical-align:top;border:0;background:none;color:inherit}"
    ".adt th{font-weight:400;color:var(--soft);border-bottom:1px solid var(--line)}.adt tr{background:none}"
    f".adt .w{{font-family:{_MONO};overflow-wrap:anywhere;white-space:pre-wrap}}.adt .soft{{color:var(--soft)}}"
    ".adt .n{white-space:nowrap;font-variant-numeric:tabular-nums;color:var(--soft)}"
    ".adt .error .v{color:var(--bad)}.adt .warn .v{color:var(--warn)}.adt .count{margin-right:12px}"
    ".adt .count.error{color:var(--bad)}.adt .count.warn{color:var(--warn)}"
)


def logs_html(table: LogTable) -> str:
    """An HTML fragment with at most 100 lines; what is left out is counted."""
    records = table.records
    counts = Counter(level(record.severity) for record in records)
    told = [element("span", {"class": f"count {name}"}, f"{counts[name]} {name}") for name in _LEVELS if counts[name]]
    head = element("strong", {}, esc(cut(plain(table.title), 120))) + f' <span class="soft">{len(records)} lines</span>'
    rest = len(records) - _LINES
    return element(
        "div",
        {"class": "adt adt-logs"},
        element("style", {}, PALETTE, scoped(_STYLE, "logs")),
        element("div", {}, head),
        element("div", {}, *told),
        _patterns(table),
        _table(("Time (UTC)", "Level", "Line"), [_line(record) for record in records[:_LINES]]) if records else "",
        f'<p class="soft">and {rest} more lines</p>' if rest > 0 else "",
        "" if records else '<p class="soft">No lines.</p>',
    )


def _table(columns: tuple[str, ...], rows: list[str]) -> str:
    head = element("tr", {}, *(element("th", {"scope": "col"}, esc(column)) for column in columns))
    return element("table", {}, element("thead", {}, head), element("tbody", {}, *rows))


def _line(record: LogRecord) -> str:
    name = level(record.severity)
    return element(
        "tr",
        {"class": name},
        element("td", {"class": "n"}, moment(record.timestamp)),
        element("td", {"class": "n v"}, "" if name == "other" else name),
        element("td", {"class": "w"}, esc(cut(plain(record.body), _LETTERS))),
    )


def _patterns(table: LogTable) -> str:
    if not table.patterns or len(table.patterns) == len(table.records):
        return ""
    rows = [
        element(
            "tr",
            {},
            element("td", {"class": "n"}, str(len(pattern.records))),
            element("td", {"class": "w"}, esc(cut(plain(pattern.template.replace("<*>", "…")), _LETTERS))),
        )
        for pattern in table.patterns[:_PATTERNS]
    ]
    more = len(table.patterns) - _PATTERNS
    return _table(("Lines", "Pattern"), rows) + (f'<p class="soft">and {more} more patterns</p>' if more > 0 else "")
