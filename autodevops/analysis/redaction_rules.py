"""What a secret looks like in a text. A rule is a literal, searched first, and a pattern whose group is the secret.

Three sources: shapes that vendors gave their tokens so that they are recognised; places (`Authorization:`, the password
of a URL, a PEM key); and names that give away what follows (`password=`, `"apiKey": "..."`, `--token x`, an env entry).
After a name, words that only speak about a secret ("token: expired", `secret "db" not found`) are no secret.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TypeAlias

Span: TypeAlias = tuple[int, int, str]  # start, end, kind

# literals (any of them makes the pattern worth running), kind, pattern; group 1 is the secret, else the whole match.
_SHAPES: tuple[tuple[tuple[str, ...], str, re.Pattern[str]], ...] = tuple(
    (literals, kind, re.compile(pattern))
    for literals, kind, pattern in (
        (("eyJ",), "jwt", r"eyJ[\w-]{8,}(?:\.[\w-]*){2,4}"),
        (("AKIA", "ASIA", "ABIA", "ACCA"), "aws-key", r"(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}(?![A-Za-z0-9])"),
        (("ghp_", "gho_", "ghu_", "ghs_", "ghr_"), "github-token", r"gh[pousr]_[A-Za-z0-9]{20,}"),
        (("github_pat_",), "github-token", r"github_pat_\w{20,}"),
        (("glpat-",), "gitlab-token", r"glpat-[\w.-]{20,}"),
        (("xox", "xapp-"), "slack-token", r"(?:xox[a-z]|xapp)-[A-Za-z0-9-]{10,}"),
        (("hooks.slack.com/",), "slack-webhook", r"hooks\.slack\.com/(?:services|workflows|triggers)/([\w/-]{10,})"),
        (("AIza",), "gcp-key", r"AIza[\w-]{35}"),
        (("ya29.",), "gcp-token", r"ya29\.[\w-]{20,}"),
        (("GOCSPX-",), "gcp-secret", r"GOCSPX-[\w-]{20,}"),
        (("Q~",), "azure-secret", r"(?:(?<![\w~.-])|(?<=\\[nrt]))[\w~.-]{3}\dQ~[\w~.-]{31,34}"),
        (("sig=",), "azure-sas", r"[?&;]sig=([^&\s\"'<>\\\0]{10,})"),
        (
            ("sk-", "sk_", "rk_"),
            "api-key",
            r"(?:(?<![\w-])|(?<=\\[nrt]))(?:sk-(?:[a-z]+-)*[A-Za-z0-9_]{20,}[\w-]*|[sr]k_(?:live|test)_\w{10,})",
        ),
        (
            ("npm_", "hf_", "dckr_pat_", "dop_v1_", "hvs.", "glsa_", "glc_", "shpat_", "lin_api_"),
            "token",
            r"(?:(?<![\w-])|(?<=\\[nrt]))(?:npm_|hf_|dckr_pat_|dop_v1_|hvs\.|glsa_|glc_|shpat_|lin_api_)[\w-]{20,}={0,2}",
        ),
        (("pypi-AgE",), "token", r"pypi-AgE[\w-]{40,}"),
        (("SG.",), "api-key", r"SG\.[\w-]{16,}\.[\w-]{16,}"),
        (
            ("PRIVATE KEY",),
            "private-key",
            r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----[^\0]*?"
            r"(?:-----END [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----|(?=\n\0)|\Z)",
        ),
        (("://",), "password", r"(?<=[A-Za-z0-9])://[^\s/:@\"'<>\0]*:([^\s/?#\"'<>\0]+)@(?=[\w.\[$%-])"),
        (("--user", "-u "), "password", r"(?<!\S)(?:-u|--user)[ =][\"']?[^\s:\"']+:(?!\d+(?:\s|$))([^\s\"'\0]+)"),
    )
)

# A word that is searched, the kind it gives away, and how a telling name goes on from there to its end.
_NAMES: tuple[tuple[str, str, re.Pattern[str]], ...] = tuple(
    (word, kind, re.compile(pattern))
    for word, kind, pattern in (
        ("pass", "password", r"pass(?:word|wd|phrase|code)|(?:(?<![a-z])|(?<=\\n))pass"),
        ("pwd", "password", "pwd"),
        ("cookie", "cookie", "cookie"),
        ("authorization", "authorization", "authorization"),
        ("token", "token", "token"),
        ("key", "key", "key"),
        ("secret", "secret", "secret"),
        ("credential", "secret", "credentials?"),
        ("connection", "secret", r"connection[_ .-]?string"),
        ("connstr", "secret", "connstr"),
        ("dsn", "secret", r"(?:(?<![a-z])|(?<=\\n))dsn"),
        ("session", "secret", r"session[_-]?id"),
        ("sid", "secret", r"(?:(?<![a-z])|(?<=\\n))sid"),
        ("otp", "secret", r"(?:(?<![a-z])|(?<=\\n))t?otp"),
    )
)
_KEY_OF = re.compile(  # which keys are secret; `key` alone names a field far more often
    r"(?:api|access|account|auth|encryption|license|master|private|secret|shared|signing|storage|ssh|write|ingest|function"
    r"|subscription|hmac)[_ .-]?\Z"
)

_QUOTED = r"(?P<q>\\*[\"'`])(?P<quoted>[^\n\0]*?)(?<!\\)(?P=q)"
_BARE = r"(?P<bare>(?:(?!,\s*[\w.-]+[=:])(?!\\+[nrt\"'])[^\s&;\"'`<>\0])+)"
_SCHEME = r"(?P<scheme>(?:bearer|basic|token|digest|apikey|negotiate|splunk|key)\s+)?"
_AFTER = re.compile(
    rf"(?P<close>\\*[\"'`\]]*)(?P<between>[ \t]*(?:=>|:=|[:=])[ \t]*)"
    rf"(?:\[\s*(?=\\*[\"']))?{_SCHEME}(?:{_QUOTED}|(?P<open>\\*[\"'`])?{_BARE})",
    re.IGNORECASE,
)
_GOES_ON = frozenset("_-./abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") | {""}
_AFTER_FLAG = re.compile(rf"(?P<between>[ \t]+|\\*[\"'],\s*(?=\\*[\"']))(?!-)(?:{_QUOTED}|{_BARE})")
_PAIR_AFTER = re.compile(
    rf"\\*[\"']?,?\s*\\*[\"']?value\\*[\"']?\s*[:=]\s*(?:\[\s*(?=\\*[\"'])|\{{\s*\\*[\"']\w+\\*[\"']\s*:\s*)?(?:{_QUOTED}|{_BARE})",
    re.IGNORECASE,
)
_FLAG_BEFORE = re.compile(r"(?:(?<=[\s\"'])|^)--?[\w-]*\Z")
_PAIR_BEFORE = re.compile(r"\b(?:name|key)\\*[\"']?\s*[:=]\s*\\*[\"']?[\w.-]*\Z", re.IGNORECASE)
_IN_MARK = re.compile(r"\[redacted:[\w-]*\Z")
_BEARER = re.compile(r"bearer[ \t]+([\w.~+/=-]{12,})", re.IGNORECASE)
_YAML_SECRET = re.compile(
    r"^(?P<indent>[ ]*)(?:data|stringData):[ ]*\n(?P<body>(?:(?P=indent)[ ]+\S.*\n?)+)", re.MULTILINE
)
_YAML_VALUE = re.compile(r"^[ ]+[\w.-]+:[ ]+(?![|>][-+\d]*$)\"?([^\s\"]+)\"?[ ]*$", re.MULTILINE)
_LINE_BEFORE = re.compile(r"(?:^|\n)[ \t]*(?:- )?[\w.-]*\Z")
_REST_OF_LINE = re.compile(r"[ \t\r]*(?=\n|\Z)")
_HEADER_REST = re.compile(r"[^\r\n\"'\0]+")

SHORTEST = 5  # `--key`, `--pwd`: no shorter text says anything about what follows
PEM_LINE = re.compile(r"\s*[A-Za-z0-9+/=]{8,}\s*")
_WORDS = """
true false null none nil undefined empty unset missing required optional invalid incorrect wrong expired denied rejected
revoked failed failure unauthorized forbidden unknown unexpected mismatch changed rotated updated not is was has must
cannot could should the a an no yes ok error valid string bearer basic redacted hidden masked secret password token key
"""
_SPEAKS_ABOUT = frozenset(_WORDS.split())
_NUMBER = re.compile(r"[-+]?(?:\d{1,12}(?:\.\d+)?|\d{1,6}(?:\.\d+)?(?:ms|[smhd%]|[KMG]i?B?))")
_REFERENCE = re.compile(
    r"\[redacted:|[*•.x]+\Z|[<$]|\$\(|%\(|\{\{|%[A-Z_]+%\Z|vault:|env:|file:|/[\w.-]+/", re.IGNORECASE
)
_ADDRESS = re.compile(  # of a store: its host and the name of a database, and no place for a credential
    r"(?:jdbc:)?(?:postgres(?:ql)?|mysql|mariadb|rediss?|amqps?|mongodb(?:\+srv)?|clickhouse|nats|kafka|memcached)://"
    r"[a-z0-9.-]+(?::\d{1,5})?(?:,[a-z0-9.-]+(?::\d{1,5})?)*(?:/[a-z0-9_-]{0,63})?"
)
_OBJECT_NAME = re.compile(r"(?:[a-z][a-z0-9-]*/)?[a-z][a-z]*(?:-(?:[a-z]+|v?\d{1,3}))+")
_CLASSES = (re.compile("[a-z]"), re.compile("[A-Z]"), re.compile("[0-9]"), re.compile("[^A-Za-z0-9]"))


def spans_of(text: str) -> list[Span]:
    """Every secret in `text`; spans may overlap."""
    found: list[Span] = []
    for literals, kind, pattern in _SHAPES:
        if any(literal in text for literal in literals):
            for match in pattern.finditer(text):
                group = 1 if pattern.groups else 0
                if not _REFERENCE.match(match[group]):
                    found.append((match.start(group), match.end(group), kind))
    lower = text.lower() if text.isascii() else text.translate(_ASCII_LOWER)
    if "bearer" in lower:
        found += ((m.start(1), m.end(1), "token") for m in _BEARER.finditer(text) if _random(m[1]))
    found += _named(text, lower)
    if "kind: Secret" in text:
        for block in _YAML_SECRET.finditer(text):
            for match in _YAML_VALUE.finditer(text, block.start("body"), block.end("body")):
                if not _REFERENCE.match(match[1]):
                    found.append((match.start(1), match.end(1), "secret"))
    return found


def name_kind(name: str) -> str:
    """The kind of secret that a field of this name holds, or "": `dbPassword`, `X-Api-Key`, `GITHUB_TOKEN`."""
    lower = name.lower()
    return next((kind for _, end, kind in _names(lower) if end == len(lower)), "")


def flag_kind(argument: str) -> str:
    """The kind of secret that follows this command line argument as the next one: `--db-password`."""
    return name_kind(argument) if argument.startswith("-") and "=" not in argument and " " not in argument else ""


def named_secret(kind: str, value: str) -> str:
    """`kind`, when `value` under a telling name is a secret and not a word about one."""
    if not value or value.lower() in _SPEAKS_ABOUT or _REFERENCE.match(value) or value.isspace():
        return ""
    if kind in ("token", "secret", "key") and (_NUMBER.fullmatch(value) or _OBJECT_NAME.fullmatch(value)):
        return ""
    if kind == "secret" and _ADDRESS.fullmatch(value):
        return ""
    return kind


def open_key(text: str, within: bool) -> bool:
    """Whether a private key that is printed line by line goes on after this line."""
    if "-----" not in text:
        return within
    begin, end = text.rfind("-----BEGIN"), text.rfind("-----END")
    if begin > end and "PRIVATE KEY" in text[begin:]:
        return True
    return within and end < 0


def _names(lower: str) -> Iterator[Span]:
    for word, kind, pattern in _NAMES:
        start = lower.find(word)
        while start >= 0:
            end = start + len(word)
            if (match := pattern.match(lower, start)) and (
                word != "key" or _KEY_OF.search(lower, max(0, start - 14), start)
            ):
                end = match.end()
                yield start, end, kind
            start = lower.find(word, end)


def _named(text: str, lower: str) -> Iterator[Span]:
    done = 0  # a value that holds telling names itself is read once
    last = 0
    for start, end, kind in _names(lower):
        done, last = (done if start > last else 0), start  # the next word starts from the beginning
        if start < done or text[end : end + 1] in _GOES_ON or _IN_MARK.search(text, max(0, start - 32), start):
            continue
        for span in _value_after(text, start, end, kind):
            done = span[1]
            yield span


def _value_after(text: str, start: int, end: int, kind: str) -> Iterator[Span]:
    if after := _AFTER.match(text, end):
        rest = _HEADER_REST.match(text, after.end("between")) if kind == "cookie" and ":" in after["between"] else None
        if rest and named_secret(kind, rest[0]):
            yield rest.start(), rest.end(), kind
        else:
            yield from _judged(text, start, kind, after)
    elif _FLAG_BEFORE.search(text, max(0, start - 40), start) and (flag := _AFTER_FLAG.match(text, end)):
        yield from _value(kind, flag, strict=False)
    elif (pair := _PAIR_AFTER.match(text, end)) and _PAIR_BEFORE.search(text, max(0, start - 80), start):
        yield from _value(kind, pair, strict=False)


def _judged(text: str, start: int, kind: str, after: re.Match[str]) -> Iterator[Span]:
    quoted_name = after["close"] != ""
    bare = after["bare"] is not None
    if quoted_name and bare and not after["open"] and not after["scheme"] and "=" not in after["between"]:
        return  # JSON: what is not quoted is a number, a list or a word of the language
    spaced = after["between"].endswith((" ", "\t")) and "=" not in after["between"]
    prose = bare and spaced and not after["scheme"] and not _fills_line(text, start, after)
    yield from _value(kind, after, strict=prose and kind != "authorization")


def _value(kind: str, found: re.Match[str], *, strict: bool) -> Iterator[Span]:
    """`strict`: in the middle of a sentence only what looks random is a secret."""
    group = "quoted" if found["quoted"] is not None else "bare"
    value = found[group] if group == "quoted" else found[group].rstrip(".,:)]}")
    if kind == "authorization" and group == "quoted" and " " in value:
        value = value.partition(" ")[2]
        start = found.end(group) - len(value)
    else:
        start = found.start(group)
    if named_secret(kind, value) and (not strict or _random(value)):
        yield start, start + len(value), kind


def _fills_line(text: str, start: int, after: re.Match[str]) -> bool:
    """Whether the line is this name and value alone, as in YAML or an .env file."""
    return bool(_REST_OF_LINE.match(text, after.end()) and _LINE_BEFORE.search(text, max(0, start - 120), start))


def _random(value: str) -> bool:
    """Whether a value looks made by a machine or chosen as a password, and not a word, a number or a name."""
    if _NUMBER.fullmatch(value) or _OBJECT_NAME.fullmatch(value):
        return False
    classes = sum(bool(pattern.search(value)) for pattern in _CLASSES)
    digits = bool(_CLASSES[2].search(value))
    return (len(value) >= 6 and ((digits and classes >= 2) or classes >= 3)) or len(value) >= 24


_ASCII_LOWER = {code: code + 32 for code in range(ord("A"), ord("Z") + 1)}
