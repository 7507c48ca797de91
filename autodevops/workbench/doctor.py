"""What `autodevops doctor` finds out: which of the configured systems answer, and what to do about the others."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from autodevops.kernel.errors import AutoDevOpsError
from autodevops.toolbox.context import context_namespace

if TYPE_CHECKING:
    from autodevops.settings import Settings
    from autodevops.toolbox.protocol import Tools


@dataclass(frozen=True)
class Check:
    """One line of `autodevops doctor`."""

    system: str
    address: str
    state: Literal["ok", "failed", "not configured"]
    message: str
    next_step: str = ""


async def checks(tools: Tools, settings: Settings, only: Collection[str] | None = None) -> list[Check]:
    """Ask each system, or `only` those, one cheap question. `tools` ask once: who is down is told at once."""
    questions = [_check(tools, *row) for row in _questions(settings) if only is None or row[0] in only]
    if only is None:
        questions.append(_check_ollama(settings))
    return list(await asyncio.gather(*questions))


def _questions(settings: Settings) -> list[tuple[str, str, str, dict[str, str | int]]]:
    kubeconfig = str(settings.kubernetes.kubeconfig or "the current kubeconfig")
    rows: list[tuple[str, str, str, dict[str, str | int]]] = [
        ("kubernetes", kubeconfig, "kubernetes.list_resources", {"kind": "Namespace", "limit": 1}),
        ("prometheus", settings.prometheus.url, "prometheus.query_instant", {"query": "vector(1)"}),
        ("alertmanager", settings.alertmanager.url, "prometheus.list_alert_groups", {}),
        ("loki", settings.loki.url, "loki.list_labels", {}),
        ("tempo", settings.tempo.url, "tempo.list_tags", {}),
    ]
    repositories = settings.github.repositories
    address = settings.github.url if repositories else ""
    first = repositories[0] if repositories else ""
    return [*rows, ("github", address, "github.list_commits", {"repository": first, "limit": 1})]


async def _check(tools: Tools, system: str, address: str, tool: str, arguments: dict[str, str | int]) -> Check:
    if not address:
        names = {"github": "REPOSITORIES"}
        variable = f"AUTODEVOPS_{system.upper()}__{names.get(system, 'URL')}"
        return Check(system, "", "not configured", "investigations go on without it", f"Set {variable}.")
    if system == "kubernetes" and not await context_namespace(tools):
        return Check(system, "", "not configured", "what Prometheus sees is watched and asked about", "Set KUBECONFIG.")
    try:
        await tools.call(tool, dict(arguments))
    except AutoDevOpsError as error:
        return Check(system, address, "failed", error.message, error.next_step)
    return Check(system, address, "ok", "answers")


async def _check_ollama(settings: Settings) -> Check:
    from autodevops.llm import chat_model

    url = settings.ollama.url
    model = chat_model(settings.ollama)
    if model is None:
        return Check(
            "ollama",
            "",
            "not configured",
            "the built-in narrator writes the answers",
            "Set AUTODEVOPS_OLLAMA__URL.",
        )
    problem = await model.unavailable()
    if problem:
        return Check("ollama", url, "failed", problem, "The built-in narrator writes the answers until it is back.")
    card = await model.card()
    manner = "calls tools that read" if card.tools else "words only"
    return Check("ollama", url, "ok", f"answers with model {card.name} ({manner}, {card.context_tokens} tokens)")
