"""The conversation as a file to keep or send: a notebook that asks again, Markdown, or one HTML page.

The page has no script and loads nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from autodevops.kernel.errors import UsageError
from autodevops.widgets.cells import notebook_text
from autodevops.widgets.static_views.markup import page
from autodevops.widgets.transcript import conversation_markdown
from autodevops.widgets.transcript_html import turn_html

NAME = "jamie"

_STYLE = """
:root { color-scheme: light dark; --text: #1b1f26; --soft: #5a6372; --line: #e4e7eb; --sunken: #f6f7f9; --accent: #3f54d1; --bg: #fff }
@media (prefers-color-scheme: dark) {
  :root { --text: #e7eaef; --soft: #a3abb8; --line: #2f3541; --sunken: #191c22; --accent: #8b9aff; --bg: #121419 }
}
body { max-width: 52rem; margin: 0 auto; padding: 2rem 1.25rem 4rem; background: var(--bg); color: var(--text); font: 15px/1.6 system-ui, "Segoe UI", Roboto, sans-serif }
h1 { font-size: 1.15rem; color: var(--soft); font-weight: 500 }
article { padding: 1.5rem 0; border-top: 1px solid var(--line); overflow-wrap: anywhere }
h2 { margin: 0 0 .25rem; font-size: 1.3rem; line-height: 1.35; letter-spacing: -.01em }
h3 { margin: 1.25rem 0 .25rem; font-size: 1rem } h4 { margin: .5rem 0 .1rem; font-size: .85rem; color: var(--soft) }
p, ul, ol { margin: .5rem 0 } small, time { color: var(--soft) } a { color: var(--accent) }
figure { margin: 1rem 0 } figure svg { max-width: 100%; height: auto }
pre, code { font: 12.5px/1.5 ui-monospace, Menlo, Consolas, monospace }
pre { margin: .25rem 0 .75rem; padding: .5rem .7rem; border: 1px solid var(--line); border-radius: 6px; background: var(--sunken); white-space: pre-wrap }
p code, li code { padding: 1px 4px; border-radius: 4px; background: var(--sunken) }
table { border-collapse: collapse; display: block; overflow-x: auto } td, th { padding: .2rem .9rem .2rem 0; border-bottom: 1px solid var(--line); text-align: left }
details { margin: .35rem 0 } summary { cursor: pointer } details > :not(summary) { margin-left: 1rem }
blockquote { margin: .5rem 0; padding: .25rem 0 .25rem .9rem; border-left: 3px solid var(--line) }
a:focus-visible, summary:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px }
""".strip()  # noqa: E501  # a style sheet


def exported(turns: Sequence[Mapping[str, Any]], format: str) -> dict[str, str]:
    """`name`, `mime` and `text` of the file. Raises UsageError for a format there is none of."""
    match format:
        case "ipynb":
            return {"name": f"{NAME}.ipynb", "mime": "application/x-ipynb+json", "text": notebook_text(turns)}
        case "md":
            return {"name": f"{NAME}.md", "mime": "text/markdown", "text": conversation_markdown(turns)}
        case "html":
            return {"name": f"{NAME}.html", "mime": "text/html", "text": conversation_page(turns)}
    raise UsageError(f"There is no export to {format!r}.", "Ask for ipynb, md or html.")


def conversation_page(turns: Sequence[Mapping[str, Any]]) -> str:
    """One HTML page, light or dark as the reader's system is."""
    articles = "\n".join(f"<article>\n{turn_html(turn)}\n</article>" for turn in turns)
    return page("Conversation with Jamie", _STYLE, articles)
