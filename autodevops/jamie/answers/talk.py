"""Answers that need no system: who Jamie is, what can be asked, and what she does not do."""

from __future__ import annotations

from autodevops.jamie.answers import Answer
from autodevops.jamie.context import Context
from autodevops.toolbox.protocol import Emit, EvidenceSource

EXAMPLES = ("What is wrong?", "What is firing?", "What changed today?", "Which pods are not ready?")

HELP = """Ask me about what runs in your cluster, in plain words. I only read, and I cite every query I ran.

- **Is it ok?**: status? is checkout ok?
- **Why**: why are checkouts failing? is everything healthy? since when?
- **What is there**: how many pods are not ready in shop? which pods restarted? pods on node-1; images used by payment
- **Logs, metrics, traces**: show me the logs of payment in the last 30 minutes; its metrics; slowest traces of checkout
- **Compare**: compare payment now with yesterday; before and after the last deploy; staging vs prod
- **Capacity**: room for 10 more replicas of cart? which pods use most memory? who is throttled? how full are the nodes?
- **Alerts and changes**: what is firing? what changed today?
- **How to**: what does CrashLoopBackOff mean? how do I drain a node?

Times are as you say them: `yesterday 3pm to 4pm`, `since the last deploy`, `around 3am Berlin time`. Name a namespace
with `in NAME`. I remember what we talk about: `and in staging?`, `show me its logs`, `the second one`."""


async def help_answer(context: Context, source: EvidenceSource, emit: Emit) -> Answer:
    return Answer(HELP, follow_ups=EXAMPLES)


async def smalltalk(context: Context, source: EvidenceSource, emit: Emit) -> Answer:
    return Answer(
        "Hello, I'm Jamie. I look into Kubernetes, metrics, logs, traces and changes, and tell you what I find.",
        follow_ups=EXAMPLES[:3],
    )
