"""The words by which a document is found, and those a question asks for: the same for every way of searching.

`CrashLoopBackOff` is found as "crash loop back off" and the other way round; what a question is made of besides its
subject ("what does ... mean", "how do I ...") is left out.
"""

from __future__ import annotations

import re

from autodevops.domain.memory import Document

_WORD = re.compile(r"[A-Za-z0-9]+")
_HUMP = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|\d+")
_CAMEL = re.compile(r"\b(?=\w*[a-z][A-Z]|[A-Z]{2,}[a-z])[A-Za-z0-9]{4,}\b")
_ENDINGS = ("ations", "ation", "ingly", "ings", "ing", "edly", "ied", "ies", "ed", "es", "s", "ly")
_COMMON = """
a about after again all also am an and any are as at be because been before being but by can cannot could did
do does doing done each for from get gets getting give go goes going got had has have having he her here him
his how i if in into is isn it its itself just keep keeps let like ll look m make may me mean means might more
most must my need no nor not now of off on once one only or other our out over own please re s said same say
says see seem she should show so some still such t tell than that the their them then there these they thing
things this those through to too up us use ve very want was we were what when where whether which while who
whole whom why will with won would yet you your
"""
STOPWORDS = frozenset(_COMMON.split())

# What people on call say, and what documentation calls it.
_CALLED = """
ram: memory | worker: node | machine: node | server: node host | hostname: name dns | k8s: kubernetes
cm: configmap | pvc: persistentvolumeclaim claim volume | pv: persistentvolume volume
hpa: horizontalpodautoscaler autoscaler | pdb: poddisruptionbudget budget | svc: service | ns: namespace
sts: statefulset | ds: daemonset | sa: serviceaccount | crd: customresource | netpol: networkpolicy | db: database
sql: query database | postgres: postgresql database | mysql: database | mariadb: mysql database
oom: memory oomkilled | cert: certificate | certs: certificate | ssl: tls
letsencrypt: acme certificate cert-manager | rollback: undo rollout | shipped: release deployed | deployed: release
deploy: release rollout | pushed: release | boot: start startup | boots: start startup | bounce: restart
reboot: restart drain | kicked: evicted | vanished: missing absent | disappeared: missing absent
gone: missing absent | slow: latency | sluggish: latency slow | hangs: stuck waits | stuck: hangs waits
hammered: overload retry traffic | flood: traffic surge | flooding: traffic surge | ddos: traffic surge
spike: surge burst | throttled: throttling | paged: alert page | pager: alert notification
slack: notification receiver | pagerduty: notification receiver | crashes: crash restart | dies: crash killed exit
dying: crash killed exit | starved: throttling saturation | lagging: lag behind | delayed: lag late
late: lag delay | ntp: clock time synchronisation | denied: forbidden refused | login: authentication password
creds: credentials password | grpc: http2 | logql: loki | traceql: tempo | promql: prometheus | percentile: quantile
percentiles: quantile | p99: quantile latency | p95: quantile latency | cardinality: series labels
grafana: dashboard | cron: cronjob schedule | nightly: cronjob schedule | ingester: loki tempo
monitoring: prometheus metrics | index: query database | deadlock: lock | locked: lock | hung: stuck hangs
replicas: pods | processor: cpu | scale: replicas
"""
BEGINNING = 120  # words
CALLED = {
    word.strip(): others.split()
    for word, _, others in (entry.partition(":") for line in _CALLED.splitlines() for entry in line.split("|"))
    if others
}


def words_of(text: str) -> list[str]:
    """Lower-case words in order, stopwords left out, endings taken off, CamelCase both whole and in its parts."""
    found: list[str] = []
    for word in _WORD.findall(text):
        parts = _HUMP.findall(word)
        found += [word] if len(parts) < 2 or not _CAMEL.fullmatch(word) else [word, *parts]
    return [stem(word) for word in map(str.lower, found) if word not in STOPWORDS]


def stem(word: str) -> str:
    """A word without its ending: rough, and the same for question and text."""
    if len(word) > 4 and not any(letter.isdigit() for letter in word):
        for ending in _ENDINGS:
            if word.endswith(ending) and len(word) - len(ending) >= 3 and not word.endswith("ss"):
                base = word[: -len(ending)]
                return base[:-1] if len(base) > 3 and base[-1] == base[-2] and base[-1] not in "aeiouls" else base
    return word


def search_words(document: Document) -> str:
    """What full text looks through: the title weighs twice, tags and reasons count."""
    parts = [document.title, document.title, " ".join(document.tags), " ".join(document.reasons), document.text]
    return spread("\n".join(part for part in parts if part))


def likeness_words(document: Document) -> str:
    """What vectors are made of: title, tags, reasons and how it begins. All of a page is like everything a little."""
    beginning = " ".join(re.split(r"\n#+ ", document.text.lstrip("# "), maxsplit=1)[0].split()[:BEGINNING])
    return "\n".join([document.title, " ".join(document.tags), " ".join(document.reasons), beginning])


def spread(text: str) -> str:
    """The text with each CamelCase word followed by its parts."""
    return _CAMEL.sub(lambda found: f"{found[0]} {' '.join(_HUMP.findall(found[0]))}", text)


def asked(text: str) -> str:
    """A question's words without those that every question has, with what documentation calls them; the question itself
    when nothing else is in it."""
    kept = [word for word in _WORD.findall(spread(text)) if word.lower() not in STOPWORDS]
    also = [other for word in kept for other in CALLED.get(word.lower(), ())]
    return " ".join([*kept, *also]) or text
