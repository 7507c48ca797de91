"""QueueBacklog (DB013, state): more messages come into a queue than are taken out of it.

What: the messages that wait (rabbitmq_queue_messages_ready, kafka_consumergroup_lag, SQS's visible messages) rose to
at least a hundred and three times what was usual. Told apart: nobody consumes it, or fewer than before; more is
published than before, and they do not keep up; else they are too slow. The workload that consumes is named where its
name, or a span, tells which it is. A batch that comes in and is worked off is none: it must still stand at its height,
or grow; one that has fallen without a break for two minutes, fast enough to be empty within the hour, is mended.

Why it matters: users wait for what was promised to happen soon; a full broker blocks its publishers.

Example: `4,200 messages wait in queue orders of rabbitmq since 11:31 UTC, 3 before: nobody consumes it`

What to do: see the consumer's pods, errors and time a message; scale it if messages are independent and what it calls
can take it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from autodevops.analysis.changepoints import Episode
from autodevops.analysis.samples import clean
from autodevops.domain.finding import Finding
from autodevops.domain.subject import Subject
from autodevops.investigation.dependency_families import MANY, QUEUES
from autodevops.investigation.gather.traces import service_subject
from autodevops.investigation.picture import Picture, Reading
from autodevops.investigation.rules.base import Rule, clock
from autodevops.investigation.rules.dead_letters import is_dead_letter
from autodevops.investigation.rules.stores import Store, change, latest, moment, now, stores

_TIMES = 3.0
_STILL = 0.7  # of the highest
_MORE = 1.5
_DRAINED_SECONDS, _DRAINED_BY = 120.0, 1 / 30  # of it, in two minutes: empty within the hour
_FEWEST = 3  # samples


def _check(picture: Picture, _earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    for store in stores(picture, *QUEUES):
        yield from _unacknowledged(store, picture)
        for ready in store.readings.get("ready", ()):
            queue = queue_of(ready, store)
            level = latest(ready, picture)
            rise = change(ready, picture, lambda usual: max(MANY, _TIMES * usual), floor=2.0)
            if level is None or rise is None or is_dead_letter(queue) or level < _STILL * rise.peak or _drains(ready):
                continue
            consumer = consumer_of(ready.labels, queue, picture)
            why, sure = _why(store, ready, picture)
            yield RULE.finding(
                consumer or store.subject,
                f"{level:,.0f} messages wait in {queue} of {store.subject.name} since {clock(moment(rise.onset))},"
                f" {rise.baseline:,.0f} before: {why}.",
                severity="error",
                confidence=sure,
                evidence=store.evidence("ready", "consumers", "published", "delivered"),
                onset=moment(rise.onset),
            )


def _drains(ready: Reading) -> bool:
    times, values = clean(ready.times, ready.values)
    last = values[times >= times[-1] - _DRAINED_SECONDS] if len(times) else values
    return len(last) >= _FEWEST and bool(np.all(np.diff(last) <= 0)) and last[-1] <= (1 - _DRAINED_BY) * last[0]


def _unacknowledged(store: Store, picture: Picture) -> Iterable[Finding]:
    for held in store.readings.get("unacknowledged", ()):
        rise = change(held, picture, lambda usual: max(MANY, _TIMES * usual), floor=2.0)
        level = latest(held, picture)
        if rise is not None and level is not None and level >= _STILL * rise.peak:
            yield RULE.finding(
                store.subject,
                f"{level:,.0f} messages of {queue_of(held, store)} are with consumers that do not acknowledge them"
                f" since {clock(moment(rise.onset))}, {rise.baseline:,.0f} before.",
                severity="error",
                confidence=0.9,
                evidence=store.evidence("unacknowledged"),
                onset=moment(rise.onset),
            )


def _why(store: Store, ready: Reading, picture: Picture) -> tuple[str, float]:
    consumers = _beside("consumers", store, ready)
    count = now(consumers, picture)
    if count is not None and count < 0.5:
        return "nobody consumes it", 0.95
    fewer = _fall(consumers, picture)
    if fewer is not None:
        return f"{fewer.level:.0f} consume it, {fewer.baseline:.0f} before", 0.9
    more = change(_beside("published", store, ready), picture, lambda usual: _MORE * usual, floor=0.1)
    if more is not None:
        return "more is published than before, and more than is taken", 0.75
    return "it is consumed more slowly than it fills", 0.85


def fewer_consumers(store: Store, picture: Picture) -> bool:
    """Whether a queue of it is taken from by fewer than before."""
    return any(_fall(one, picture) is not None for one in store.readings.get("consumers", ()))


def _fall(consumers: Reading | None, picture: Picture) -> Episode | None:
    return change(consumers, picture, lambda usual: 0.75 * usual, direction="down", floor=0.1)


def _beside(measure: str, store: Store, ready: Reading) -> Reading | None:
    """The reading of the same queue; of Kafka's offsets, of the same topic."""
    for reading in store.readings.get(measure, ()):  # type: ignore[call-overload]  # a measure, by the caller's word
        shared = set(reading.labels) & set(ready.labels)
        if shared and all(reading.labels[key] == ready.labels[key] for key in shared):
            found: Reading = reading
            return found
    only = store.readings.get(measure, ())  # type: ignore[call-overload]
    return only[0] if len(only) == 1 and not only[0].labels else None


def queue_of(reading: Reading, store: Store) -> str:
    for key, word in (("queue", "queue"), ("topic", "topic")):
        if reading.labels.get(key):
            return f"{word} {reading.labels[key]}"
    return f"queue {store.about}"


def consumer_of(labels: Mapping[str, str], queue: str, picture: Picture) -> Subject | None:
    """By the name of its group, or by a span that takes from the queue."""
    group = picture.inventory.of_name(labels.get("consumergroup", "")) if labels.get("consumergroup") else None
    if group is not None:
        return group
    name = queue.split(" ", 1)[1]
    found = {
        service_subject(span, picture.inventory)
        for seen in (*picture.taking_traces, *picture.error_traces, *picture.plain_traces, *picture.slow_traces)
        for span in seen.trace.spans
        if span.kind == "consumer" and str(span.attributes.get("messaging.destination.name", "")) == name
    }
    return found.pop() if len(found) == 1 else None


RULE = Rule("DB013", "QueueBacklog", "state", _check, specificity=0.8, stage=2, documentation=__doc__)
