"""A turn as HTML without script: for saved notebooks and for the exported page.

Text from systems and models is shown, never interpreted: raw HTML is escaped, images become their text, links go to
http(s) alone. Nothing in it is loaded from anywhere.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from html import escape
from typing import Any

from pydantic import TypeAdapter

from autodevops.domain.chart import Chart
from autodevops.widgets.static_views import static_twin

_CITATION = re.compile(r"\[(ev-[0-9a-z]{4,64})\]")
TWIN_CHART_CHARACTERS = 16_000  # an answer's first one or two: a twin is sent as it is, and stays in the notebook
EVERYTHING = 1_000_000_000
_CHART: TypeAdapter[Chart] = TypeAdapter(Chart)
_VERDICTS = {"explained": "Cause found", "healthy": "Healthy", "undetermined": "Not determined"}


def turn_html(turn: Mapping[str, Any], *, whole: bool = True) -> str:
    """Question, answer and what it rests on. `whole` adds causes for and against, timeline and the data's beginning."""
    last = turn["events"][-1] if turn["events"] else {}
    parts = [f"<h2>{escape(str(turn['question']))}</h2>", _context(turn)]
    if last.get("type") == "answer_completed":
        parts += [*_answer(turn, last, whole)]
    elif last.get("type") == "turn_failed":
        parts += [_said(turn), f"<blockquote>{escape(last['message'])} {escape(last['next_step'])}</blockquote>"]
    return "\n".join(part for part in parts if part)


def _context(turn: Mapping[str, Any]) -> str:
    for event in turn["events"]:
        if event["type"] == "context_retrieved":
            namespace = f"namespace {event['namespace']}" if event["namespace"] else ""
            about = f"with {event['about']}" if event.get("about") else ""
            told = [part for part in (namespace, event["subject"], event["window"], about) if part]
            return f"<p><small>{escape(' · '.join(told))}</small></p>" if told else ""
    return ""


def _said(turn: Mapping[str, Any]) -> str:
    return _prose("".join(event["text"] for event in turn["events"] if event["type"] == "text_delta"), [], "")


def _answer(turn: Mapping[str, Any], answer: Mapping[str, Any], whole: bool) -> list[str]:
    cited = [item["id"] for item in answer["evidence"]]
    place = f"{turn['id']}-" if whole else ""
    investigation = answer.get("investigation")
    parts = [_verdict(investigation) if investigation else "", _prose(answer["text"], cited, place)]
    if investigation and whole:
        parts += [_causes(investigation, cited, place), _timeline(investigation, cited, place)]
    evidence = (_evidence(item, number, place, whole) for number, item in enumerate(answer["evidence"], 1))
    parts += _charts(turn, EVERYTHING if whole else TWIN_CHART_CHARACTERS)
    if cited:
        parts.append(f"<details><summary>Evidence ({len(cited)})</summary>{''.join(evidence)}</details>")
    return parts


def _charts(turn: Mapping[str, Any], limit: int) -> list[str]:
    """The charts, the first ones, in at most `limit` characters."""
    drawn: list[str] = []
    for event in turn["events"]:
        if event["type"] == "chart_ready":
            figure = f"<figure>{static_twin(_CHART.validate_python(event['chart']))[1]}</figure>"
            limit -= len(figure)
            if limit < 0:
                break
            drawn.append(figure)
    return drawn


def _verdict(investigation: Mapping[str, Any]) -> str:
    verdict = _VERDICTS.get(investigation["verdict"], investigation["verdict"])
    sure = [f"{item['confidence']:.0%} sure" for item in investigation["hypotheses"][:1]]
    return f"<p><strong>{escape(' · '.join([verdict, *sure]))}</strong></p>"


def _causes(investigation: Mapping[str, Any], cited: list[str], place: str) -> str:
    rows = "".join(
        f"<details><summary>{escape(one['summary'])} <small>{one['confidence']:.0%}</small></summary>"
        f"{_claims('For', one['supports'], cited, place)}"
        f"{_claims('Against', one['contradicts'], cited, place)}</details>"
        for one in investigation["hypotheses"]
    )
    return f"<h3>Ranked causes</h3>{rows}" if rows else ""


def _claims(title: str, claims: list[Mapping[str, Any]], cited: list[str], place: str) -> str:
    items = "".join(
        f"<li>{escape(claim['text'])} {''.join(_chip(one, cited, place) for one in claim['evidence'])}</li>"
        for claim in claims
    )
    return f"<h4>{title}</h4><ul>{items or '<li>Nothing seen.</li>'}</ul>"


def _timeline(investigation: Mapping[str, Any], cited: list[str], place: str) -> str:
    items = "".join(
        f"<li><time>{escape(entry['at'][:19].replace('T', ' '))} UTC</time> {escape(entry['text'])}"
        f" {''.join(_chip(one, cited, place) for one in entry['evidence'])}</li>"
        for entry in investigation["timeline"]
    )
    return f"<details><summary>Timeline</summary><ul>{items}</ul></details>" if items else ""


def _evidence(item: Mapping[str, Any], number: int, place: str, whole: bool) -> str:
    anchor = f' id="{escape(place + item["id"])}"' if whole else ""
    head = f"<p{anchor}>{number}. {escape(item['tool'])} <small><code>{escape(item['id'])}</code></small></p>"
    query = f"<pre>{escape(item['query'])}</pre>"
    if not whole:
        return head + query
    window = item["window"]
    told = [f"{window['start'][:19]} to {window['end'][:19]} UTC".replace("T", " ")] if window else []
    told += [f"collected {item['collected_at'][:19].replace('T', ' ')} UTC", item["digest"]]
    failed = f"<p><strong>{escape(item['error'])}</strong></p>" if item["error"] else ""
    cut = " …" if item["excerpt_cut"] else ""
    data = f"<pre>{escape(item['excerpt'])}{cut}</pre>" if item["excerpt"] else ""
    return f"{head}{query}<p><small>{escape(' · '.join(told))}</small></p>{failed}{data}"


def _prose(text: str, cited: list[str], place: str) -> str:
    def chip(match: re.Match[str]) -> str:
        return _chip(match[1], cited, place)

    return _CITATION.sub(chip, str(_markdown()(text)))


def _chip(evidence: str, cited: list[str], place: str) -> str:
    """`[3]`, a link to the evidence where the page has it."""
    if evidence not in cited:
        return f"[{escape(evidence)}]"
    number = f"[{cited.index(evidence) + 1}]"
    return f'<a href="#{escape(place + evidence)}">{number}</a>' if place else number


@cache
def _markdown() -> Any:
    import mistune

    class Careful(mistune.HTMLRenderer):
        def link(self, text: str, url: str, title: str | None = None) -> str:
            if not url.lower().startswith(("http://", "https://")):
                return text
            return f'<a href="{escape(url)}" rel="noopener noreferrer">{text}</a>'

        def image(self, text: str, url: str, title: str | None = None) -> str:
            return f"[image: {text or escape(url)}]"

    return mistune.create_markdown(renderer=Careful(escape=True), plugins=["table", "strikethrough"])
