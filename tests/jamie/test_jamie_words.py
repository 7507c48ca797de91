"""What is read from a question's words alone: intent, time, names."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autodevops.jamie import intent, names
from autodevops.jamie.intent import Reading

READINGS = [
    ("why are checkouts failing?", "investigate", "", ""),
    ("Why is payment slow", "investigate", "", ""),
    ("what's wrong in shop?", "investigate", "", ""),
    ("is everything ok?", "investigate", "", ""),
    ("how is the shop doing?", "status", "", ""),
    ("which services are failing?", "investigate", "", ""),
    ("orders are slow", "investigate", "", ""),
    ("why did the deploy of payment fail?", "investigate", "", ""),
    ("how many pods are not ready in shop?", "count", "Pod", "not_ready"),
    ("how many deployments are there?", "count", "Deployment", ""),
    ("number of nodes", "count", "Node", ""),
    ("list deployments", "list", "Deployment", ""),
    ("which pods are crashlooping?", "list", "Pod", "crashlooping"),
    ("show me the pods that restarted", "list", "Pod", "restarted"),
    ("what services are there", "list", "Service", ""),
    ("pods in staging", "list", "Pod", ""),
    ("are there any pending pods?", "list", "Pod", "pending"),
    ("which nodes aren't ready?", "list", "Node", "not_ready"),
    ("show me the logs of payment", "logs", "", ""),
    ("show me its logs", "logs", "", ""),
    ("what is firing?", "alerts", "", ""),
    ("any alerts?", "alerts", "", ""),
    ("what changed today?", "deploys", "", ""),
    ("what was deployed since yesterday", "deploys", "", ""),
    ("did anyone deploy anything?", "deploys", "", ""),
    ("show me the metrics of cart", "metrics", "", ""),
    ("plot the latency of checkout", "metrics", "", ""),
    ("since when?", "since_when", "", ""),
    ("when did it start?", "since_when", "", ""),
    ("restart payment", "action", "", ""),
    ("please roll back checkout", "action", "", ""),
    ("status?", "status", "", ""),
    ("is checkout ok?", "status", "", ""),
    ("is payment failing?", "status", "", ""),
    ("is anything broken?", "investigate", "", ""),
    ("was checkout down?", "investigate", "", ""),
    ("slowest traces of checkout", "traces", "", ""),
    ("show me a failed request", "traces", "", ""),
    ("where does the time go in /checkout", "traces", "", ""),
    ("trace 4bf92f3577b34da6a3ce929d0e0e4736", "traces", "", ""),
    ("stack traces of payment", "logs", "", ""),
    ("compare payment now with yesterday", "compare", "", ""),
    ("before and after the last deploy", "compare", "", ""),
    ("staging vs prod", "compare", "", ""),
    ("do we have room for 10 more replicas", "capacity", "", ""),
    ("which pods use most memory", "capacity", "", ""),
    ("who is throttled", "capacity", "", ""),
    ("requests vs usage", "capacity", "", ""),
    ("how full are the disks", "capacity", "", ""),
    ("which HPAs are at max", "capacity", "", ""),
    ("what does CrashLoopBackOff mean", "howto", "", ""),
    ("what is OOMKilled?", "howto", "", ""),
    ("how do I drain a node", "howto", "", ""),
    ("what is the latency of checkout", "metrics", "", ""),
    ("deployments with fewer ready than wanted", "list", "Deployment", "not_ready"),
    ("pods on node-1", "list", "Pod", ""),
    ("images used by payment", "list", "Image", ""),
    ("what version of payment is running?", "list", "Image", ""),
    ("which pods restarted", "list", "Pod", "restarted"),
    ("how many replicas does frontend have?", "count", "Pod", ""),
    ("list replica sets", "list", "ReplicaSet", ""),
    ("are any disks filling up?", "capacity", "", ""),
    ("show me warnings", "logs", "", ""),
    ("describe payment", "status", "", ""),
    ("no, scale payment to 5", "action", "", ""),
    ("can we scale payment to 10?", "capacity", "", ""),
    ("help", "help", "", ""),
    ("what can you do?", "help", "", ""),
    ("hello", "smalltalk", "", ""),
    ("cheers", "smalltalk", "", ""),
]


@pytest.mark.parametrize(("question", "wanted", "kind", "state"), READINGS, ids=[row[0] for row in READINGS])
def test_intent_is_read_from_the_words(question: str, wanted: str, kind: str, state: str) -> None:
    reading = intent.read(question)
    assert (reading.intent, reading.kind, reading.state) == (wanted, kind, state)
    assert reading.matched


def test_a_question_in_no_known_words_is_investigated_and_known_to_be_a_default() -> None:
    assert intent.read("warum dauert das so lange") == Reading("investigate", matched=False)


@given(st.text())
def test_any_text_has_a_reading(text: str) -> None:
    assert intent.read(text).intent


WORKLOADS = ["checkout", "payments", "product-catalog", "ad-service", "cart"]
MATCHES = [
    ("why are checkouts failing", "checkout", ()),
    ("why is the payment slow", "payments", ()),
    ("product catalog errors", "product-catalog", ()),
    ("is ad slow", "ad-service", ()),
    ("the cart's latency", "cart", ()),
    ("why is chekout failing", "", ("checkout",)),
    ("logs of paymnets", "", ("payments",)),
    ("why is the card slow", "", ()),
]


@pytest.mark.parametrize(("text", "name", "near"), MATCHES, ids=[row[0] for row in MATCHES])
def test_names_are_matched_with_light_stemming_and_near_ones_are_not_taken(
    text: str, name: str, near: tuple[str, ...]
) -> None:
    found = names.find(names.words_of(text), WORKLOADS, intent.table().not_names)
    assert (found.name if found else "") == name
    assert (found.near if found else ()) == near
