"""Log lines of a workload, or of a namespace: from Loki, and from the pods themselves when Loki has none."""

from __future__ import annotations

import asyncio
from collections import Counter

from autodevops.analysis.chart_data import log_table
from autodevops.domain.evidence import Evidence
from autodevops.domain.logs import LogRecord
from autodevops.domain.stream import ChartReady
from autodevops.domain.tool_results import LogResult, PodLogs
from autodevops.jamie.answers import Answer, Object, items_of, metadata, reason, understood
from autodevops.jamie.answers.signals import selector
from autodevops.jamie.context import Context
from autodevops.jamie.markdown import block, cites, code, prose
from autodevops.jamie.tool_text import message_of
from autodevops.kernel.errors import ToolError
from autodevops.toolbox.protocol import Emit, EvidenceSource

READ = 500  # lines asked for
SHOWN = 15  # lines in the answer; the table has them all
PODS_READ = 3  # pods whose own log is read when Loki has nothing
TAIL = 50  # lines of each
ERRORS = '|~ "(?i)(error|exception|fatal|panic)"'
WARNINGS = '|~ "(?i)(warn|error|exception|fatal|panic)"'


async def answer(context: Context, source: EvidenceSource, emit: Emit) -> Answer:
    errors_only = context.reading.errors_only
    wanted = WARNINGS if "warn" in context.text.lower() else ERRORS
    query = selector(context.namespace, context.workload) + (f" {wanted}" if errors_only else "")
    evidence = await source.collect(
        "loki.query_logs",
        {
            "query": query,
            "start": context.window.start.isoformat(),
            "end": context.window.end.isoformat(),
            "limit": READ,
        },
    )
    records = understood(evidence, LogResult).records if evidence.ok else ()
    if not records and context.workload is not None and not errors_only:
        return await _from_pods(context, source, evidence)
    found = understood(evidence, LogResult)
    whose = _whose(context)
    if not records:
        what = "error lines" if errors_only else "log lines"
        return Answer(
            f"**There are no {what} from {whose}** ({context.told}).{cites([evidence.id])}",
            (evidence,),
            _follow_ups(context),
        )
    emit(ChartReady(chart=log_table(f"Logs of {_plain(context)}", records, (evidence.id,))))
    counts = Counter(record.severity or "no level" for record in records)
    levels = ", ".join(f"{count} {prose(level)}" for level, count in counts.most_common())
    least = f"the newest {len(records)}" if found.truncated else str(len(records))
    noun = "error line" if errors_only else "log line"
    text = (
        f"**{least[:1].upper()}{least[1:]} {noun}{'' if len(records) == 1 else 's'} from {whose}** "
        f"({context.told}): {levels}.{cites([evidence.id])}"
    )
    if len(records) > SHOWN:
        text += f"\n\nThe last {SHOWN}:"
    newest = sorted(records, key=lambda record: record.timestamp)[-SHOWN:]
    return Answer(f"{text}\n\n{block(map(_line, newest))}", (evidence,), _follow_ups(context))


async def _from_pods(context: Context, source: EvidenceSource, loki: Evidence) -> Answer:
    """The logs that the cluster itself still has."""
    assert context.workload is not None
    listed = await source.collect(
        "kubernetes.list_resources", {"kind": "Pod", "namespace": context.namespace, "output": "full"}
    )
    wanted = context.workload
    names = [
        str(metadata(item).get("name", ""))
        for item in items_of(listed)
        if _is_pod_of(item, wanted.subject.name, wanted.subject.kind, wanted.match_labels)
    ]
    if not names:
        raise ToolError(
            f"There are no logs of {wanted.subject.name}: Loki has none, and it has no pods in {context.namespace}."
        )
    logs = await asyncio.gather(
        *(
            source.collect(
                "kubernetes.get_pod_logs", {"namespace": context.namespace, "name": name, "tail_lines": TAIL}
            )
            for name in names[:PODS_READ]
        )
    )
    read = [(name, item) for name, item in zip(names, logs, strict=False) if item.ok]
    if not read:
        raise ToolError(reason(logs[0]))
    why = f"Loki did not answer ({prose(reason(loki))})" if not loki.ok else "Loki has none for this window"
    text = f"**These are the pods' own last lines of {_whose(context)}.** {why}.{cites([loki.id])}"
    for name, item in read:
        lines = understood(item, PodLogs).lines
        text += f"\n\n{code(name)}:{cites([item.id])}\n\n{block(lines[-SHOWN:])}"
    return Answer(text, (loki, listed, *logs), _follow_ups(context))


def _is_pod_of(item: Object, name: str, kind: str, labels: dict[str, str]) -> bool:
    if kind == "Pod":
        return bool(metadata(item).get("name") == name)
    have = metadata(item).get("labels") or {}
    return bool(labels) and all(have.get(key) == value for key, value in labels.items())


def _whose(context: Context) -> str:
    where = code(context.namespace)
    return f"{code(context.subject.name)} in {where}" if context.subject else f"namespace {where}"


def _plain(context: Context) -> str:
    return context.subject.name if context.subject else context.namespace


def _line(record: LogRecord) -> str:
    """A structured line without its fields; the log table and the query have them."""
    pod = record.attributes.get("pod", "")
    return " ".join(
        part for part in (f"{record.timestamp:%H:%M:%S}", record.severity, pod, message_of(record.body)) if part
    )


def _follow_ups(context: Context) -> tuple[str, ...]:
    if context.subject is None:
        return (f"What is wrong in {context.namespace}?", "What is firing?")
    name = context.subject.name
    errors = () if context.reading.errors_only else (f"Show me the errors in the logs of {name}",)
    return (f"Why is {name} failing?", *errors, f"Show me the metrics of {name}")
