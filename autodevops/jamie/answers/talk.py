"""Answers that need no system: who Jamie is, what can be asked, and what she does not do."""

from __future__ import annotations

from autodevops.jamie.answers import Answer
from autodevops.jamie.context import Context
from autodevops.toolbox.protocol import Emit, EvidenceSource

EXAMPLES = ("What is wrong?", "What is firing?", "What changed today?", "Which pods are not ready?")

HELP = """Ask me about what runs in your cluster, in plain words. I only read, and I cite every query I ran.

- **Why**: why are checkouts failing? is everything healthy? since when?
- **What is there**: how many pods are not ready in shop? list deployments
- **Logs and metrics**: show me the logs of payment in the last 30 minutes; show me its metrics
- **Alerts and changes**: what is firing? what changed today?

Times are UTC; name a namespace with `in NAME`."""


async def help_answer(context: Context, source: EvidenceSource, emit: Emit) -> Answer:
    return Answer(HELP, follow_ups=EXAMPLES)


async def smalltalk(context: Context, source: EvidenceSource, emit: Emit) -> Answer:
    return Answer(
        "Hello, I'm Jamie. I look into Kubernetes, metrics, logs, traces and changes, and tell you what I find.",
        follow_ups=EXAMPLES[:3],
    )


async def action(context: Context, source: EvidenceSource, emit: Emit) -> Answer:
    about = context.subject.name if context.subject else ""
    why = f"Why is {about} failing?" if about else f"What is wrong in {context.namespace}?"
    return Answer(
        "I only read, so nothing was changed. I can find the cause and give you the command to run yourself.",
        follow_ups=(why, "What changed today?"),
    )
