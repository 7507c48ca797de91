"""Rules, alerts, targets and silences in the lines that a model reads."""

from __future__ import annotations

from autodevops.domain.alert import Alert
from autodevops.domain.tool_results import (
    AlertGroupList,
    AlertList,
    MetadataList,
    RuleList,
    SilenceList,
    SilenceResult,
    TargetList,
)
from autodevops.servers._text import first_line, labels, when

_ALERTNAME = "alertname"


def metadata(result: MetadataList) -> str:
    rows = [
        f"{one.name} {one.type}{f' in {one.unit}' if one.unit else ''}: {first_line(one.help)}"
        for one in result.metrics
    ]
    return "\n".join(rows) or "No metadata: no target exposes such a metric, or it is recorded by a rule."


def alerts(result: AlertList) -> str:
    return "\n".join(_alert(one) for one in result.alerts) or "No alert is pending or firing."


def alert_groups(result: AlertGroupList) -> str:
    rows = []
    for group in result.groups:
        rows.append(f"{labels(group.labels)} to {group.receiver}: {len(group.alerts)} alerts")
        rows += [f"  {_alert(one)}" for one in group.alerts]
    return "\n".join(rows) or "No alert groups: nobody is being notified."


def rules(result: RuleList) -> str:
    rows = []
    for rule in result.rules:
        query = first_line(" ".join(rule.query.split()), 300)
        after = f" for {rule.for_seconds:g} s" if rule.for_seconds else ""
        state = f" [{rule.state}]" if rule.state else ""
        trouble = f" health {rule.health}: {rule.last_error}" if rule.health not in ("", "ok") else ""
        rows.append(f"{rule.group} {rule.type} {rule.name}{state}{trouble}: {query}{after}")
    return "\n".join(rows) or "No such rules."


def targets(result: TargetList) -> str:
    rows = [f"{result.up} up, {result.down} down"]
    for target in result.targets:
        trouble = f": {target.last_error}" if target.last_error else ""
        scraped = f", scraped {when(target.last_scrape)}" if target.last_scrape else ", not yet scraped"
        instance = target.labels.get("instance", "")
        named = "" if instance in target.url else f" {instance}"
        rows.append(f"{target.health} {target.pool}{named} {target.url}{scraped}{trouble}")
    return "\n".join(rows)


def silences(result: SilenceList) -> str:
    rows = [
        f"{one.silence_id} {one.state} {{{','.join(one.matchers)}}} until {when(one.ends_at)}, "
        f"by {one.created_by}: {first_line(one.comment)}"
        for one in result.silences
    ]
    return "\n".join(rows) or "No silences."


def silence_result(result: SilenceResult) -> str:
    one = result.silence
    head = f"Silence {one.silence_id} is {one.state}:"
    if result.dry_run:
        head = f"Would end silence {one.silence_id}" if one.silence_id else "Would silence"
    if not result.changed:
        head = f"Silence {one.silence_id} was made before and is {one.state}:"
    rows = [f"{head} {{{','.join(one.matchers)}}} from {when(one.starts_at)} to {when(one.ends_at)}"]
    rows.append(f"Alerts that match now: {'; '.join(result.alerts) or 'none'}")
    if result.undo:
        rows.append(f"Undo: {result.undo}")
    return "\n".join(rows)


def _alert(one: Alert) -> str:
    rest = {key: value for key, value in one.labels.items() if key != _ALERTNAME}
    summary = one.annotations.get("summary") or one.annotations.get("description") or one.annotations.get("message", "")
    return f"{one.state} {one.name}{labels(rest)} since {when(one.starts_at)}: {first_line(summary)}"
