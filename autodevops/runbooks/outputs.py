"""Cells and outputs of a notebook as HTML that can do nothing but be looked at.

Outputs hold text that others wrote: logs, annotations, commit messages. Text is escaped; HTML keeps only what a table
or a paragraph needs; SVG is shown as an image, where scripts do not run.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping
from functools import cache
from html import escape
from typing import Any

from autodevops.runbooks.files import CHART_CONFIG, PLOTLY_MIME, SVG_MIME
from autodevops.runbooks.still import still
from autodevops.runbooks.texts import joined, without_colours

_TABLE = {"table", "caption", "colgroup", "col", "thead", "tbody", "tfoot", "tr", "th", "td"}
_TEXT = {
    "p",
    "div",
    "span",
    "br",
    "hr",
    "b",
    "strong",
    "i",
    "em",
    "u",
    "s",
    "sub",
    "sup",
    "small",
    "code",
    "pre",
    "del",
}
_BLOCKS = {"ul", "ol", "li", "dl", "dt", "dd", "h1", "h2", "h3", "h4", "h5", "h6", "blockquote", "details", "summary"}
_TAGS = frozenset(_TABLE | _TEXT | _BLOCKS)
_SHORT = re.compile(r"<td>([^<]{1,24})</td>")  # ids, times, numbers: the page does not break them
_ATTRIBUTES = {"th": ["colspan", "rowspan", "scope"], "td": ["colspan", "rowspan"], "col": ["span"], "ol": ["start"]}
_SCRIPTED = "<em>This chart is drawn by a script, which does not run here.</em>"
_IMAGES = ("image/png", "image/jpeg", "image/gif", "image/webp")


_COMMENT = re.compile(r"^<!-- [^<>\n]* -->$", re.MULTILINE)


def markdown(text: str) -> str:
    """Markdown with tables; raw HTML is shown as text, comments are left out. Links stay, images do not load."""
    return _sanitize(_markdown()(_COMMENT.sub("", text)), links=True)


def code(source: str) -> str:
    return f"<pre class=code><code>{escape(source)}</code></pre>"


def output(item: Mapping[str, Any]) -> str:
    """One output of a code cell."""
    kind = item.get("output_type")
    if kind == "stream":
        name = "stderr" if item.get("name") == "stderr" else "stdout"
        return f'<pre class="stream {name}">{_plain(item.get("text", ""))}</pre>'
    if kind == "error":
        traceback = "\n".join(item.get("traceback", ())) or f"{item.get('ename')}: {item.get('evalue')}"
        return f"<pre class=traceback>{_plain(traceback)}</pre>"
    return _data(item.get("data", {}))


def has_chart(item: Mapping[str, Any]) -> bool:
    return PLOTLY_MIME in item.get("data", {})


def _data(data: Mapping[str, Any]) -> str:
    """The richest form we can show safely."""
    if PLOTLY_MIME in data:
        return _chart(data[PLOTLY_MIME], _drawing(data) or _image(still(data[PLOTLY_MIME])))
    for kind in _IMAGES:
        if kind in data:
            return f'<img alt="figure" src="data:{kind};base64,{escape("".join(data[kind]).strip())}">'
    if drawing := _drawing(data):
        return drawing
    if "text/html" in data:
        return f"<div class=html>{_sanitize(''.join(data['text/html']))}</div>"
    if "text/markdown" in data:
        return markdown("".join(data["text/markdown"]))
    if "application/json" in data:
        return f"<pre class=stream>{escape(json.dumps(data['application/json'], indent=2, ensure_ascii=False))}</pre>"
    return f"<pre class=stream>{_plain(data.get('text/plain', ''))}</pre>"


def _drawing(data: Mapping[str, Any]) -> str:
    return _image("".join(data.get(SVG_MIME, "")))


def _image(svg: str) -> str:
    if not svg:
        return ""
    encoded = base64.b64encode(svg.encode()).decode()
    return f'<img alt="figure" src="data:image/svg+xml;base64,{encoded}">'


def _chart(figure: Mapping[str, Any], drawing: str) -> str:
    """The figure as data, and the `drawing` that stands there until the page's script draws it, if that ever runs."""
    document = {
        "data": figure.get("data", []),
        "layout": figure.get("layout", {}),
        "config": {**figure.get("config", {}), **CHART_CONFIG},
    }
    height = document["layout"].get("height") or 360
    figure_data = f'<script type="application/json">{script_safe(document)}</script>'
    shown = drawing or f"<p>{_SCRIPTED}</p>"
    return f'<div class=chart data-height="{int(height)}">{figure_data}<div class=still>{shown}</div></div>'


def script_safe(document: Any) -> str:
    """JSON that cannot end the script element it stands in."""
    text = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def _plain(text: str | list[str]) -> str:
    return escape(without_colours(joined(text)))


@cache
def _markdown() -> Any:
    import mistune

    return mistune.create_markdown(escape=True, plugins=["table", "strikethrough"])


def _sanitize(html: str, *, links: bool = False) -> str:
    import bleach

    # bleach leaves the text inside a style element behind; pandas' Styler writes one.
    without_style = re.sub(r"<style\b.*?</style\s*>", "", html, flags=re.IGNORECASE | re.DOTALL)
    attributes = {**_ATTRIBUTES, "a": ["href", "title"]} if links else _ATTRIBUTES
    cleaned = str(
        bleach.clean(
            without_style,
            tags=(_TAGS | {"a"}) if links else _TAGS,
            attributes=attributes,
            protocols={"http", "https", "mailto"},
            strip=True,
            strip_comments=True,
        )
    )
    return _SHORT.sub(r"<td class=short>\1</td>", cleaned)
