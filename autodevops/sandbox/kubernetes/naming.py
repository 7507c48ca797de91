"""Names and labels: what Kubernetes lets them be, and what it says otherwise (apimachinery util/validation)."""

from __future__ import annotations

import re

_LABEL = "[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_SUBDOMAIN = rf"{_LABEL}(\.{_LABEL})*"
_LABEL_1035 = "[a-z]([-a-z0-9]*[a-z0-9])?"
_NAME_PART = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]"
_CONFIG_KEY = "[-._a-zA-Z0-9]+"


def _rule(says: str, pattern: str, *examples: str) -> str:
    told = " or ".join(f"'{one}', " for one in examples)
    return f"{says} (e.g. {told}regex used for validation is '{pattern}')"


_SAYS_LABEL = _rule(
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with "
    "an alphanumeric character",
    _LABEL, "my-name", "123-abc",
)  # fmt: skip
_SAYS_SUBDOMAIN = _rule(
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and "
    "end with an alphanumeric character",
    _SUBDOMAIN, "example.com",
)  # fmt: skip
_SAYS_LABEL_1035 = _rule(
    "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, "
    "and end with an alphanumeric character",
    _LABEL_1035, "my-name", "abc-123",
)  # fmt: skip
_SAYS_VALUE = _rule(
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and "
    "end with an alphanumeric character",
    f"({_NAME_PART})?", "MyValue", "my_value", "12345",
)  # fmt: skip
_SAYS_NAME_PART = _rule(
    "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric "
    "character",
    _NAME_PART, "MyName", "my.name", "123-abc",
)  # fmt: skip


def label(text: str) -> list[str]:
    """What is wrong with a DNS label (RFC 1123)."""
    return _check(text, 63, _LABEL, _SAYS_LABEL)


def subdomain(text: str) -> list[str]:
    """What is wrong with a DNS subdomain (RFC 1123), which most names are."""
    return _check(text, 253, _SUBDOMAIN, _SAYS_SUBDOMAIN)


def label_1035(text: str) -> list[str]:
    """What is wrong with the name of a Service."""
    return _check(text, 63, _LABEL_1035, _SAYS_LABEL_1035)


def path_segment(text: str) -> list[str]:
    """What is wrong with a name that may be nearly anything (RBAC)."""
    if text in (".", ".."):
        return [f"may not be '{text}'"]
    return [f"may not contain '{one}'" for one in "/%" if one in text]


def label_value(text: str) -> list[str]:
    return _check(text, 63, f"({_NAME_PART})?", _SAYS_VALUE, "must be no more than 63 characters")


def qualified_name(text: str) -> list[str]:
    """What is wrong with the key of a label or an annotation."""
    prefix, slash, name = text.rpartition("/")
    found: list[str] = []
    if text.count("/") > 1:
        return [
            "a qualified name must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an "
            f"alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is "
            f"'{_NAME_PART}') with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')"
        ]
    if slash:
        problems = subdomain(prefix) if prefix else ["must be non-empty"]
        found += [f"prefix part {one}" for one in problems]
    if not name:
        return [*found, "name part must be non-empty", _SAYS_NAME_PART]
    return found + _check(name, 63, _NAME_PART, _SAYS_NAME_PART, "name part must be no more than 63 characters")


def config_key(text: str) -> list[str]:
    """What is wrong with a key of a ConfigMap or Secret."""
    says = _rule(
        "a valid config key must consist of alphanumeric characters, '-', '_' or '.'",
        _CONFIG_KEY, "key.name", "KEY_NAME", "key-name",
    )  # fmt: skip
    found = _check(text, 253, _CONFIG_KEY, says)
    return found or ([f"may not be '{text}'"] if text in (".", "..") else [])


def port_name(text: str) -> list[str]:
    """What is wrong with the name of a container's port (IANA service name)."""
    found = []
    if len(text) > 15:
        found.append("must be no more than 15 characters")
    if not re.fullmatch("[-a-z0-9]+", text):
        found.append("must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)")
    if not re.search("[a-z]", text):
        found.append("must contain at least one letter (a-z)")
    if "--" in text:
        found.append("must not contain consecutive hyphens")
    if text.startswith("-") or text.endswith("-"):
        found.append("must not begin or end with a hyphen")
    return found


def environment_name(text: str) -> list[str]:
    """What is wrong with the name of an environment variable."""
    if text and "=" not in text and all(" " <= one <= "~" for one in text):
        return []
    return [
        "a valid environment variable name must consist only of printable ASCII characters other than '=' "
        "(e.g. 'my-env-var' or 'MY_ENV.NAME' or 'MyEnvName1')"
    ]


def _check(text: str, longest: int, pattern: str, says: str, too_long: str = "") -> list[str]:
    found = [too_long or f"must be no more than {longest} bytes"] if len(text) > longest else []
    return found if re.fullmatch(pattern, text) else [*found, says]
