"""What an edit of a file really changes, read from its unified diff.

What is on both sides, comments and white space are taken out, so that a line that only moved says nothing. What is
left is compared as words: those an edit introduces and those it drops. A diff is other people's text: it is cut into
words and numbers and never interpreted.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Final, Literal, TypeAlias

FileKind: TypeAlias = Literal["code", "config", "dependency", "migration", "docs", "tests", "style", "pipeline"]

HARMLESS: Final[frozenset[FileKind]] = frozenset({"docs", "tests", "style", "pipeline"})
"""Kinds that do not run where requests are served."""

_MOST_LINES = 2000  # of one diff; more is a generated file
_MOST_CHARACTERS = 500  # of a line that is looked at
_KIND_PATTERNS: Final[tuple[tuple[FileKind, str], ...]] = (
    (
        "tests",
        r"(^|/)(tests?|__tests__|spec|testdata|fixtures|e2e)/|(_test|_spec|\.test|\.spec)\.\w+$|(^|/)test_[^/]+$",
    ),
    (
        "pipeline",
        r"(^|/)(\.github|\.circleci|\.gitlab|\.buildkite)/|(^|/)(jenkinsfile|\.gitlab-ci\.ya?ml|codeowners"
        r"|\.golangci\.ya?ml|\.editorconfig|\.gitignore|\.pre-commit-config\.yaml|\.prettierrc\S*|\.eslintrc\S*)$",
    ),
    # Rules and panels of what watches the program, not the program.
    (
        "pipeline",
        r"(^|/)(monitoring|observability|alerting|alertmanager|prometheus|grafana|dashboards?)/.*\.(ya?ml|json)$",
    ),
    ("docs", r"(^|/)(docs?|documentation|runbooks)/|\.(md|rst|adoc)$|(^|/)(license|changelog|readme|notice)[^/]*$"),
    ("style", r"\.(css|scss|sass|less|svg|png|jpe?g|gif|ico|woff2?)$"),
    (
        "dependency",
        r"(^|/)(go\.(mod|sum)|package(-lock)?\.json|yarn\.lock|pnpm-lock\.yaml|requirements[^/]*\.txt|poetry\.lock"
        r"|uv\.lock|pipfile(\.lock)?|pyproject\.toml|cargo\.(toml|lock)|gemfile(\.lock)?|pom\.xml|build\.gradle(\.kts)?"
        r"|composer\.(json|lock)|constraints\.txt|[^/]+\.csproj|mix\.(exs|lock))$",
    ),
    ("migration", r"(^|/)(migrations?|db/migrate|alembic|flyway|liquibase)/|\.sql$"),
    (
        "config",
        r"\.(ya?ml|toml|ini|conf|cfg|env|properties|json|tfvars|tf|hcl)$"
        r"|(^|/)(dockerfile[^/]*|\.env[^/]*|procfile|nginx[^/]*)$",
    ),
)
_KINDS: Final = tuple((kind, re.compile(pattern, re.IGNORECASE)) for kind, pattern in _KIND_PATTERNS)
_HASH_COMMENTS = re.compile(r"\.(py|rb|sh|bash|ya?ml|toml|tf|hcl|ini|cfg|conf|properties|env|r|pl|ex|exs)$|dockerfile")
_DASH_COMMENTS = re.compile(r"\.(sql|lua|hs)$")
_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(?:[-.][A-Za-z0-9_]+)*")
_PLACE = re.compile(
    r"\b(?:func(?:\s*\([^)]*\))?|def|class|function|fn|sub|void|public|private|protected|static|async|interface|struct)"
    r"\s+(?:[\w<>\[\]]+\s+)?([A-Za-z_]\w*)"
)
_SPLIT = re.compile(r"[-.]")


@dataclass(frozen=True)
class Edit:
    """One file's edit. `places` are the functions and classes it lies in, as far as hunk headers and lines tell."""

    path: str
    kind: FileKind
    removed: tuple[str, ...]
    added: tuple[str, ...]
    places: tuple[str, ...]
    context: tuple[str, ...] = ()  # unchanged lines around what changed

    @property
    def changes_nothing(self) -> bool:
        """Whether all that differs is comments, white space and the order of lines."""
        return not self.removed and not self.added

    @cached_property
    def introduced(self) -> frozenset[str]:
        return words(self.added) - words(self.removed)

    @cached_property
    def dropped(self) -> frozenset[str]:
        return words(self.removed) - words(self.added)


def kind_of(path: str) -> FileKind:
    return next((kind for kind, pattern in _KINDS if pattern.search(path)), "code")


def read_edit(path: str, patch: str) -> Edit:
    """A file's edit from its unified diff, with or without file headers."""
    removed: list[str] = []
    added: list[str] = []
    places: list[str] = []
    context: list[str] = []
    for line in patch.splitlines()[:_MOST_LINES]:
        if line.startswith(("--- ", "+++ ", "diff --git", "index ")):
            continue
        if line.startswith("@@"):
            places += _PLACE.findall(line[:_MOST_CHARACTERS])
        elif line.startswith(("-", "+")):
            text = _without_comment(line[1 : _MOST_CHARACTERS + 1], path.lower())
            if text:
                (removed if line[0] == "-" else added).append(text)
                places += _PLACE.findall(text)
        else:
            context.append(line[:_MOST_CHARACTERS])
    common = Counter(removed) & Counter(added)
    return Edit(
        path=path,
        kind=kind_of(path),
        removed=_less(removed, common),
        added=_less(added, common),
        places=tuple(dict.fromkeys(places)),
        context=tuple(context),
    )


def words(lines: Iterable[str]) -> frozenset[str]:
    """Identifiers, dotted and hyphenated names with their parts, as `canonical` writes them."""
    found: set[str] = set()
    for line in lines:
        for match in _WORD.findall(line):
            found.add(canonical(match))
            if "." in match or "-" in match:
                found.update(canonical(part) for part in _SPLIT.split(match))
    found.discard("")
    return frozenset(found)


def spellings(lines: Iterable[str]) -> frozenset[str]:
    """Names as they are written, in whole."""
    return frozenset(match for line in lines for match in _WORD.findall(line))


def canonical(word: str) -> str:
    """One spelling for `maxConns`, `max_conns`, `MAX_CONNS` and `max-conns`."""
    return word.replace("_", "").replace("-", "").lower()


def _less(lines: list[str], common: Counter[str]) -> tuple[str, ...]:
    left, kept = Counter(common), []
    for line in lines:
        if left[line] > 0:
            left[line] -= 1
        else:
            kept.append(line)
    return tuple(kept)


def _without_comment(line: str, path: str) -> str:
    text = " ".join(line.split())
    marks: tuple[str, ...] = ("//", "/*", "* ", "*/", "<!--")
    trailing = r"\s//\s.*$"
    if _HASH_COMMENTS.search(path):
        marks, trailing = ("#",), r"\s#\s.*$"
    elif _DASH_COMMENTS.search(path):
        marks, trailing = ("--",), r"\s--\s.*$"
    elif path.endswith((".json", ".mod", ".sum", ".lock", ".txt")):
        marks = ("//",)
    return "" if text.startswith(marks) else re.sub(trailing, "", text)
