"""Masks secrets in any JSON value: found by their shape, by the name they stand after, or by being a Secret's data.

A masked value reads `[redacted:token:3f9a]`. The last part follows from the secret, so that one secret is known again
wherever it appears; it is 16 bits of a keyed hash, too few to find the secret by, and a salt of one's own makes even
guessing from a list of likely passwords useless. Nothing else changes: not numbers, not the shape, not one character
of a text without secrets, and masking twice is masking once.

All texts of a value are scanned as one, because most rules then cost one search for a literal. What a text's own words
give away is in `redaction_rules`. Who calls this, and when, is the toolbox's business (`toolbox.redacted`).
"""

from __future__ import annotations

import hashlib
from bisect import bisect_right
from collections.abc import Iterator
from itertools import accumulate, chain

from autodevops.analysis.redaction_rules import (
    PEM_LINE,
    SHORTEST,
    Span,
    flag_kind,
    name_kind,
    named_secret,
    open_key,
    spans_of,
)
from autodevops.domain.base import Json

_SEPARATOR = "\n\0\n"  # ends a line for every rule, and no rule reads across it
_NUMBERS = frozenset({int, float, bool, type(None)})
_SECRET_TYPES = ("Opaque", "kubernetes.io/", "bootstrap.kubernetes.io/", "helm.sh/")


def redact(value: Json, salt: str = "") -> Json:
    """`value` with its secrets masked; `value` itself when there are none."""
    found = _Texts()
    found.take(value)
    different = list(dict.fromkeys(found.texts))  # of a list of pods, a twentieth
    hidden = {text: masked for text, masked in zip(different, _masked(different, salt), strict=True) if text != masked}
    if not hidden and not found.kinds:
        return value
    masked = [hidden.get(text, text) for text in found.texts]
    for index, kind in found.kinds.items():
        masked[index] = mark(kind, found.texts[index], salt)
    return _rebuilt(value, iter(masked))


def redact_text(text: str, salt: str = "") -> str:
    """One text with its secrets masked."""
    return _masked([text], salt)[0]


def mark(kind: str, secret: str, salt: str = "") -> str:
    digest = hashlib.blake2b(secret.encode("utf-8", "surrogatepass"), digest_size=2, key=salt.encode()[:64])
    return f"[redacted:{kind}:{digest.hexdigest()}]"


def _masked(texts: list[str], salt: str) -> list[str]:
    blob = _SEPARATOR.join(texts)
    found = _disjoint(spans_of(blob))
    if not found:
        return list(texts)
    starts = list(accumulate((len(text) + len(_SEPARATOR) for text in texts), initial=0))
    masked = list(texts)
    for start, end, kind in reversed(found):  # from the end: what stands before keeps its place
        index = bisect_right(starts, start) - 1
        begin, stop = start - starts[index], end - starts[index]
        masked[index] = masked[index][:begin] + mark(kind, texts[index][begin:stop], salt) + masked[index][stop:]
    return masked


def _disjoint(spans: list[Span]) -> list[Span]:
    """In order and without overlap; of two that overlap the one that begins first takes both."""
    kept: list[Span] = []
    for start, end, kind in sorted(spans, key=lambda span: (span[0], -span[1])):
        if kept and start < kept[-1][1]:
            kept[-1] = (kept[-1][0], max(end, kept[-1][1]), kept[-1][2])
        else:
            kept.append((start, end, kind))
    return kept


class _Texts:
    """All texts of a value, keys included, in the order in which `_rebuilt` asks for them."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.kinds: dict[int, str] = {}  # by place in `texts`: what is a secret as a whole, whatever it looks like
        self._names = _Names()

    def take(self, value: Json, kind: str = "", secrets: bool = False) -> None:
        """`kind`: what texts in here are, by the name they stand under. `secrets`: these are items of a SecretList."""
        if isinstance(value, str):
            if kind and (kind := named_secret(kind, value)):
                self.kinds[len(self.texts)] = kind
            self.texts.append(value)
        elif isinstance(value, list):
            self._items(value, kind, secrets)
        elif isinstance(value, dict):
            self._fields(value, kind, secrets)

    def _items(self, items: list[Json], kind: str, secrets: bool) -> None:
        lists = [item for item in items if isinstance(item, list)]
        flat = chain.from_iterable(lists) if len(lists) == len(items) else items
        if _NUMBERS.issuperset(map(type, flat)):
            return  # numbers, or pairs of them: the samples of a series
        within_key, flag = False, ""
        for item in items:
            if not isinstance(item, str):
                if isinstance(item, dict):
                    self._fields(item, kind, secrets)
                elif isinstance(item, list) and not _NUMBERS.issuperset(map(type, item)):
                    self._items(item, kind, secrets)
                flag = ""
            elif len(item) < SHORTEST and not (kind or flag or within_key):
                self.texts.append(item)
            elif within_key and PEM_LINE.fullmatch(item):  # a key printed line by line
                self.take(item, "private-key")
            else:
                self.take(item, flag or kind)
                within_key, flag = open_key(item, within_key), flag_kind(item)

    def _fields(self, fields: dict[str, Json], kind: str, secrets: bool) -> None:
        named = ""
        if "value" in fields or "Value" in fields:
            name = fields.get("name", fields.get("key"))
            named = self._names[name] if isinstance(name, str) else ""
        texts, names = self.texts, self._names
        for key, item in fields.items():
            texts.append(key)
            if isinstance(item, str):
                its_kind = named if named and key in ("value", "Value") else names[key] or kind
                if its_kind and (its_kind := named_secret(its_kind, item)):
                    self.kinds[len(texts)] = its_kind
                texts.append(item)
            elif isinstance(item, dict):
                if key in ("data", "stringData") and (secrets or _is_secret(fields)):
                    for name, text in item.items():
                        texts.append(name)
                        self.take(text, "secret-data")
                else:
                    self._fields(item, named if named and key in ("value", "Value") else kind, False)
            elif isinstance(item, list):
                its_kind = named if named and key in ("value", "Value") else names[key] or kind
                self._items(item, its_kind, key == "items" and fields.get("kind") == "SecretList")


def _is_secret(fields: dict[str, Json]) -> bool:
    kind = fields.get("type")
    typed = isinstance(kind, str) and kind.startswith(_SECRET_TYPES) and isinstance(fields.get("data"), dict)
    return typed or fields.get("kind") == "Secret"


class _Names(dict[str, str]):
    """What a field's name says of its value; the same names come again and again."""

    def __missing__(self, name: str) -> str:
        self[name] = found = name_kind(name)
        return found


def _rebuilt(value: Json, texts: Iterator[str]) -> Json:
    if isinstance(value, str):
        return next(texts)
    if isinstance(value, list):
        return [_rebuilt(item, texts) for item in value]
    if isinstance(value, dict):
        fields: dict[str, Json] = {}
        for item in value.items():
            key = next(texts)
            while key in fields:  # two secrets as keys, with one mark
                key += "'"
            fields[key] = _rebuilt(item[1], texts)
        return fields
    return value
