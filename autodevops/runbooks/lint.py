"""What is wrong with a runbook before anybody runs it. No cell is executed and nothing is asked over a network.

A rule is a name and what it looks for (`RULES`, which the docs print). Code is checked by the `ruff` program, where it
is installed, which knows the cells of a notebook as one module; without it only by Python's own compiler, and
`code_checker` says so. Whether a runbook does what it says is for its tests on the sandbox.
"""

from __future__ import annotations

import ast
import json
import re
import shutil
import subprocess
import sysconfig
import tokenize
from collections.abc import Iterator, Mapping
from io import StringIO
from itertools import accumulate
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from pydantic import ValidationError

from autodevops.analysis.redaction_rules import spans_of
from autodevops.domain.base import Noun
from autodevops.kernel.errors import UsageError
from autodevops.runbooks.catalogue import (
    NAME,
    FrontMatter,
    declaration,
    front_matter_problems,
    parameters_cell_problems,
    read_notebook,
    source_of,
    tags_of,
)
from autodevops.runbooks.gates import GATED, ROLLBACK, VERIFY
from autodevops.runbooks.lint_imports import lacking

RULES: Mapping[str, str] = {
    "notebook": "the file is a valid notebook of format 4, and its name can name a folder",
    "front-matter": "each field of the front matter is there and right",
    "parameters": "the parameters cell assigns exactly what is declared, each its default",
    "unused-parameter": "each declared parameter is used by a cell or by the concurrency key",
    "outputs": "no output, execution count or run's bookkeeping was saved with it",
    "credential": "nothing looks like a password, token or key",
    "dead-link": "each relative link and picture leads to a file that is there",
    "verify": "a runbook of risk above read-only verifies, after its last action, that it worked",
    "risk": "a read-only runbook has no cell that does something, and others have one",
    "rollback": "rollback cells belong to an action",
    "code": "the cells compile, and every name they use is defined",
    "import": "what the cells import is installed, and has the names they take from it",
}
_RUFF_RULES = "E9,F,PLE"
_RUFF_SECONDS = 60


class Finding(Noun):
    rule: str
    message: str
    cell: int | None = None  # counted from 1, as a run's progress does
    line: int | None = None  # of the cell


def lint(path: Path) -> tuple[Finding, ...]:
    """Everything that is wrong with the runbook at `path`. Raises UsageError when it cannot be read."""
    try:
        source = path.read_bytes()
    except OSError as error:
        raise UsageError(f"Runbook {path} cannot be read: {error.strerror}.", "Check the path.") from error
    try:
        notebook = read_notebook(path, source)
    except UsageError as error:
        return (Finding(rule="notebook", message=str(error)),)
    if invalid := list(_invalid(path, notebook)):
        return tuple(invalid)
    found = [*_outputs(notebook), *_credentials(notebook), *_dead_links(path, notebook), *_code(path, notebook, source)]
    found += _imports(notebook)
    try:
        front = FrontMatter.model_validate(declaration(path, notebook))
    except ValidationError as error:
        found += (Finding(rule="front-matter", message=problem) for problem in front_matter_problems(error))
    except UsageError as error:
        found.append(Finding(rule="front-matter", message=str(error)))
    else:
        for problem, next_step in parameters_cell_problems(notebook, front):
            words = problem.removeprefix(":").strip()
            found.append(Finding(rule="parameters", message=f"{words}; {next_step[0].lower()}{next_step[1:-1]}"))
        found += [*_unused(notebook, front), *_roles(notebook, front)]
    order = list(RULES)
    return tuple(sorted(found, key=lambda item: (order.index(item.rule), item.cell or 0, item.line or 0)))


def code_checker() -> str:
    """The ruff program: beside this Python, or on the path. Empty when there is none."""
    beside = Path(sysconfig.get_path("scripts")) / "ruff"
    return str(beside) if beside.is_file() else shutil.which("ruff") or ""


def _invalid(path: Path, notebook: dict[str, Any]) -> Iterator[Finding]:
    import nbformat

    if not re.fullmatch(NAME, path.stem):
        yield Finding(rule="notebook", message=f"the name {path.stem!r} is not of letters, digits, dots, - and _")
    try:
        nbformat.validate(notebook)
    except nbformat.ValidationError as error:
        yield Finding(rule="notebook", message=f"it is not a valid notebook: {str(error).splitlines()[0]}")


def _outputs(notebook: Mapping[str, Any]) -> Iterator[Finding]:
    for number, cell in _cells(notebook):
        if cell.get("outputs"):
            yield Finding(rule="outputs", message="it has outputs; clear them", cell=number)
        elif cell.get("execution_count") is not None or "papermill" in cell["metadata"]:
            yield Finding(rule="outputs", message="it has traces of a run; clear its outputs", cell=number)
        if "injected-parameters" in tags_of(cell):
            yield Finding(rule="outputs", message="it holds the parameters of a run; delete the cell", cell=number)
    if "papermill" in notebook["metadata"]:
        yield Finding(rule="outputs", message="the metadata has a run's bookkeeping under 'papermill'; remove it")


def _credentials(notebook: Mapping[str, Any]) -> Iterator[Finding]:
    for number, cell in _cells(notebook):
        source = source_of(cell)
        spans = spans_of(source)
        if spans and cell["cell_type"] == "code":
            written = _written(source)
            spans = [span for span in spans if any(start <= span[0] < span[1] <= end for start, end in written)]
        for line, kind in sorted({(source.count("\n", 0, start) + 1, kind) for start, _, kind in spans}):
            words = f"this looks like a credential ({kind}); name it under `secrets` and read it from the environment"
            yield Finding(rule="credential", message=words, cell=number, line=line)
    for _start, _end, kind in spans_of(json.dumps(notebook["metadata"])):
        yield Finding(rule="credential", message=f"the notebook's metadata holds what looks like a credential ({kind})")


def _written(source: str) -> list[tuple[int, int]]:
    """Where Python code has literals and comments: `token = read()` holds none. The whole text when it is no Python."""
    lines = [0, *accumulate(len(line) for line in source.splitlines(keepends=True))]
    kinds = {tokenize.STRING, tokenize.COMMENT, getattr(tokenize, "FSTRING_MIDDLE", tokenize.STRING)}
    try:
        return [
            (lines[token.start[0] - 1] + token.start[1], lines[token.end[0] - 1] + token.end[1])
            for token in tokenize.generate_tokens(StringIO(source).readline)
            if token.type in kinds
        ]
    except (tokenize.TokenError, SyntaxError):
        return [(0, len(source))]


def _dead_links(path: Path, notebook: Mapping[str, Any]) -> Iterator[Finding]:
    for number, cell in _cells(notebook):
        if cell["cell_type"] != "markdown":
            continue
        for link in dict.fromkeys(_links(source_of(cell))):
            parts = urlsplit(link)
            if parts.scheme == "attachment":
                if unquote(parts.path) not in cell.get("attachments", {}):
                    words = f"{link} is not attached to the cell"
                    yield Finding(rule="dead-link", message=words, cell=number)
            elif not parts.scheme and not parts.netloc and parts.path:
                target = path.parent / unquote(parts.path)
                if not target.exists():
                    words = f"{link} leads nowhere: there is no {target}"
                    yield Finding(rule="dead-link", message=words, cell=number)


def _links(markdown: str) -> Iterator[str]:
    import mistune

    tokens: Any = mistune.create_markdown(renderer="ast", plugins=["table"])(markdown)
    pending: list[dict[str, Any]] = list(tokens)
    while pending:
        token = pending.pop(0)
        pending += token.get("children", [])
        if token["type"] in {"link", "image"}:
            yield token["attrs"]["url"]
        elif token["type"] in {"block_html", "inline_html"}:
            for match in re.finditer(r"""\b(?:href|src)\s*=\s*(?:"([^"]*)"|'([^']*)')""", token["raw"]):
                yield match[1] or match[2] or ""


def _unused(notebook: Mapping[str, Any], front: FrontMatter) -> Iterator[Finding]:
    used = set(re.findall(r"\{([^{}]*)\}", front.concurrency_key))
    if not _is_python(notebook):
        return
    for _, cell in _cells(notebook):
        if cell["cell_type"] == "code" and not {"parameters", "injected-parameters"} & set(tags_of(cell)):
            used |= _names_used(source_of(cell))
    for name in front.parameters:
        if name not in used:
            yield Finding(rule="unused-parameter", message=f"parameter {name} is declared and never used")


def _names_used(source: str) -> set[str]:
    """The names that a cell reads, in magics too; what cannot be parsed is taken as a text with words in it."""
    plain = _plain(source)
    try:
        tree = ast.parse(plain)
    except SyntaxError:
        return set(re.findall(r"\w+", source))
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}
    if plain != source:  # magics read names from their text: {name}, $name, or the line itself
        used |= {word for line in source.splitlines() if line.lstrip()[:1] in {"%", "!"} for word in _words(line)}
        if source.lstrip().startswith("%%"):
            used |= set(_words(source))
    return used


def _words(text: str) -> list[str]:
    return re.findall(r"[A-Za-z_]\w*", text)


def _plain(source: str) -> str:
    """The cell as Python: magics become the calls that IPython makes of them."""
    from IPython.core.inputtransformer2 import TransformerManager

    return str(TransformerManager().transform_cell(source))


def _roles(notebook: Mapping[str, Any], front: FrontMatter) -> Iterator[Finding]:
    tagged = {
        role: [number for number, cell in _cells(notebook) if cell["cell_type"] == "code" and role in tags_of(cell)]
        for role in (*GATED, VERIFY, ROLLBACK)
    }
    actions = sorted({number for role in GATED for number in tagged[role]} - set(tagged[ROLLBACK]))
    if front.risk == "read-only":
        for number in actions + tagged[ROLLBACK]:
            words = "it does something, and the runbook says it is read-only; raise its risk"
            yield Finding(rule="risk", message=words, cell=number)
        return
    if not actions:
        words = f"its risk is {front.risk}, and no cell is tagged 'action'; tag the cells that change something"
        yield Finding(rule="risk", message=words)
    if not tagged[VERIFY]:
        words = f"its risk is {front.risk}, and no cell is tagged 'verify'; check after the action that it worked"
        yield Finding(rule="verify", message=words)
    elif actions and max(tagged[VERIFY]) < max(actions):
        words = "no cell tagged 'verify' stands after this action"
        yield Finding(rule="verify", message=words, cell=max(actions))
    if tagged[ROLLBACK] and not actions:
        words = "it is tagged 'rollback', and there is no action that it could take back"
        yield Finding(rule="rollback", message=words, cell=tagged[ROLLBACK][0])


def _code(path: Path, notebook: Mapping[str, Any], source: bytes) -> Iterator[Finding]:
    if not _is_python(notebook):
        return
    if program := code_checker():
        yield from _by_ruff(program, path, source)
        return
    for number, cell in _cells(notebook):
        if cell["cell_type"] == "code":
            try:
                compile(_plain(source_of(cell)), "cell", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
            except (SyntaxError, ValueError) as error:
                yield Finding(rule="code", message=str(error), cell=number, line=getattr(error, "lineno", None))


def _imports(notebook: Mapping[str, Any]) -> Iterator[Finding]:
    if not _is_python(notebook):
        return
    cells = {number: _plain(source_of(cell)) for number, cell in _cells(notebook) if cell["cell_type"] == "code"}
    for number, line, words in lacking(cells):
        yield Finding(rule="import", message=words, cell=number, line=line)


def _by_ruff(program: str, path: Path, source: bytes) -> Iterator[Finding]:
    command = [program, "check", "--isolated", "--no-cache", "--select", _RUFF_RULES, "--output-format", "json"]
    command += ["--stdin-filename", path.name, "-"]
    try:
        done = subprocess.run(command, input=source, capture_output=True, timeout=_RUFF_SECONDS)
        problems = json.loads(done.stdout)
    except (OSError, ValueError, subprocess.TimeoutExpired) as error:
        raise UsageError(f"{program} did not check {path}: {error}.", "See whether `ruff --version` works.") from error
    for problem in problems:
        words = f"{problem['message']} ({problem['code']})"
        yield Finding(rule="code", message=words, cell=problem["cell"], line=problem["location"]["row"])


def _is_python(notebook: Mapping[str, Any]) -> bool:
    kernel = notebook["metadata"].get("kernelspec", {})
    return str(kernel.get("language") or "python") == "python"


def _cells(notebook: Mapping[str, Any]) -> Iterator[tuple[int, dict[str, Any]]]:
    return enumerate(notebook["cells"], start=1)
