"""Runbooks in folders: notebooks with a `parameters` cell and front matter in their metadata.

A runbook is `<name>.ipynb`. Its notebook metadata has a key `autodevops` with the fields of `FrontMatter`; the cell
tagged `parameters` assigns the declared defaults, so that the notebook also runs by hand in JupyterLab.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field, ValidationError, model_validator

from autodevops.domain.base import Noun
from autodevops.kernel.errors import UsageError
from autodevops.kernel.ids import bytes_digest
from autodevops.runbooks.parameters import Parameter, Value, is_parameter_name
from autodevops.runbooks.texts import joined

METADATA_KEY = "autodevops"
System = Literal["kubernetes", "prometheus", "loki", "tempo", "github", "alertmanager"]
NAME = r"[A-Za-z0-9][A-Za-z0-9._-]{0,199}"


class Precondition(Noun):
    """What must hold before a run: in words, and the system that must answer, where that can be asked."""

    text: str = Field(min_length=1)
    system: System | None = None


class FrontMatter(Noun):
    """What a runbook says about itself."""

    title: str = Field(min_length=1)
    purpose: str = Field(min_length=1)
    owner: str = Field(min_length=1)
    parameters: dict[str, Parameter] = {}
    risk: Literal["read-only", "low", "medium", "high"]
    systems: tuple[System, ...] = ()  # that it reads or changes
    preconditions: tuple[Precondition, ...] = ()
    time_limit_seconds: float = Field(gt=0, le=24 * 3600)
    cell_time_limit_seconds: float | None = Field(default=None, ge=1, le=24 * 3600)
    secrets: tuple[str, ...] = ()  # names; where each one is stands in the settings
    concurrency_key: str = ""  # runs with the same key do not overlap; may hold {parameter}
    concurrency: int = Field(default=1, ge=1, le=64)  # so many runs with the same key at a time
    retries: int = Field(default=0, ge=0, le=10)  # after a run that failed or took too long
    retry_pause_seconds: float = Field(default=10.0, ge=0, le=3600)

    @model_validator(mode="after")
    def _names(self) -> Self:
        for name in self.parameters:
            if not is_parameter_name(name):
                raise ValueError(f"parameter name {name!r} is not an identifier such as window_minutes")
        for name in self.secrets:
            if not is_secret_name(name):
                raise ValueError(f"secret name {name!r} is not an identifier such as GITHUB_TOKEN")
        if len({name.upper() for name in self.secrets}) < len(self.secrets):
            raise ValueError("a secret is named twice")
        if len(set(self.systems)) < len(self.systems):
            raise ValueError("a system is named twice")
        key_of(self.concurrency_key, dict.fromkeys(self.parameters, ""))
        return self


def key_of(template: str, values: Mapping[str, object]) -> str:
    """`template` with each {name} replaced by that parameter's value. Raises ValueError for a name that is unknown."""

    def value(match: re.Match[str]) -> str:
        if match[1] not in values:
            raise ValueError(f"concurrency_key names {{{match[1]}}}, which is no parameter")
        return str(values[match[1]])

    return re.sub(r"\{([^{}]*)\}", value, template)


def is_secret_name(name: str) -> bool:
    return bool(re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", name))


@dataclass(frozen=True)
class Runbook:
    name: str
    path: Path
    source: bytes
    front: FrontMatter

    @property
    def digest(self) -> str:
        return bytes_digest(self.source)


class Catalogue:
    """The runbooks of some folders, read anew each time: an edit counts from the next run on.

    `packages` are folders of installed packages. A runbook in a folder of one's own hides a package's of the same name,
    which is how one is adapted; among folders of one kind a name is there once.
    """

    def __init__(self, *folders: Path, packages: Sequence[Path] = ()) -> None:
        self.folders = folders
        self.packages = tuple(packages)

    def own(self) -> tuple[Path, ...]:
        """The files in the folders of one's own."""
        return tuple(path for paths in _by_name(self.folders).values() for path in paths)

    def places(self) -> dict[str, tuple[Path, ...]]:
        """Every file of each name, the one that counts first."""
        own, packaged = _by_name(self.folders), _by_name(self.packages)
        names = sorted(own.keys() | packaged.keys())
        both = {name: (*packaged.get(name, ()), *own.get(name, ())) for name in names}
        # one that is reached as a file of one's own and as a package's, as in a checkout, is there once
        return {name: tuple({path.resolve(): path for path in paths}.values())[::-1] for name, paths in both.items()}

    def names(self) -> tuple[str, ...]:
        return tuple(self.places())

    def path(self, name: str) -> Path:
        """Raises UsageError when there is no such runbook, or when it is not clear which one is meant."""
        for kind in (self.folders, self.packages):
            match _by_name(kind).get(name, []):
                case [path]:
                    return path
                case [first, second, *_]:
                    words = f"There are two runbooks {name!r}: {first} and {second}."
                    raise UsageError(words, "Rename one of them, or take one folder out of the settings.")
        known = ", ".join(self.names()) or "none"
        where = ", ".join(str(folder) for folder in (*self.folders, *self.packages)) or "no folder"
        raise UsageError(f"There is no runbook {name!r} in {where}.", f"It has: {known}.")

    def load(self, name: str) -> Runbook:
        """Raises UsageError when there is no such runbook or it cannot be one."""
        return load_runbook(self.path(name))

    def all(self) -> tuple[Runbook, ...]:
        return tuple(self.load(name) for name in self.names())


def _by_name(folders: Sequence[Path]) -> dict[str, list[Path]]:
    """The notebooks of each name; a folder that is reached by two ways counts once."""
    found: dict[str, list[Path]] = {}
    for folder in {folder.resolve(): folder for folder in reversed(folders)}.values():
        for path in sorted(folder.glob("*.ipynb")):
            found.setdefault(path.stem, []).append(path)
    return found


def load_runbook(path: Path) -> Runbook:
    """Read a runbook and check that its declaration is whole. Raises UsageError naming file and field."""
    try:
        source = path.read_bytes()
    except OSError as error:
        raise UsageError(
            f"Runbook {path} cannot be read: {error.strerror}.", "Check that it is a file you may read."
        ) from error
    return parse_runbook(path, source)


def parse_runbook(path: Path, source: bytes, *, name: str = "") -> Runbook:
    """`source`, found at `path`, as a runbook; `name` is what it is called when that is not its file's name."""
    notebook = read_notebook(path, source)
    try:
        front = FrontMatter.model_validate(declaration(path, notebook))
    except ValidationError as error:
        raise UsageError(
            f"Runbook {path}: {next(front_matter_problems(error))}.", "Correct the notebook's metadata."
        ) from error
    for problem, next_step in parameters_cell_problems(notebook, front):
        raise UsageError(f"Runbook {path}{problem}.", next_step)
    if not re.fullmatch(NAME, name or path.stem):
        raise UsageError(
            f"Runbook {path} has a name that cannot name a folder.", "Use letters, digits, dots, - and _ in its name."
        )
    return Runbook(name=name or path.stem, path=path, source=source, front=front)


def read_notebook(path: Path, source: bytes) -> dict[str, Any]:
    """Raises UsageError when `source` is no notebook of format 4."""
    try:
        notebook = json.loads(source)
    except ValueError as error:
        raise UsageError(f"Runbook {path} is not a notebook: {error}.", "Save it again from JupyterLab.") from error
    if not isinstance(notebook, dict) or notebook.get("nbformat") != 4:
        raise UsageError(f"Runbook {path} is not a notebook of format 4.", "Save it again from JupyterLab.")
    return notebook


def declaration(path: Path, notebook: Mapping[str, Any]) -> object:
    """The front matter as it is written. Raises UsageError when there is none."""
    declared = notebook.get("metadata", {}).get(METADATA_KEY)
    if declared is None:
        raise UsageError(
            f"Runbook {path} has no front matter.",
            f"Add title, purpose, owner, risk, ... to its metadata as {METADATA_KEY!r}.",
        )
    return declared


def front_matter_problems(error: ValidationError) -> Iterator[str]:
    for problem in error.errors():
        field = ".".join(str(part) for part in (METADATA_KEY, *problem["loc"]))
        yield f"{field} is wrong: {problem['msg'].removeprefix('Value error, ')}"


def tags_of(cell: Mapping[str, Any]) -> tuple[str, ...]:
    tags = cell.get("metadata", {}).get("tags", [])
    return tuple(tag for tag in tags if isinstance(tag, str)) if isinstance(tags, list) else ()


def source_of(cell: Mapping[str, Any]) -> str:
    return joined(cell.get("source"))


def parameters_cell_problems(notebook: Mapping[str, Any], front: FrontMatter) -> Iterator[tuple[str, str]]:
    """The parameters cell assigns exactly the declared names, each its declared default. What is not so is said as
    the rest of a sentence that begins with the runbook, and what to do.
    """
    cells = [cell for cell in notebook.get("cells", []) if "parameters" in tags_of(cell)]
    if not cells and not front.parameters:
        return
    if len(cells) != 1:
        yield f" has {len(cells)} cells tagged 'parameters'", "Tag exactly one code cell."
        return
    try:
        assigned = assignments(source_of(cells[0]))
    except (SyntaxError, ValueError) as error:
        yield f": its parameters cell cannot be read: {error}", "Write one `name = literal` on each line."
        return
    for name in sorted(front.parameters.keys() ^ assigned.keys()):
        where = (
            "declared but not in the parameters cell"
            if name in front.parameters
            else "not declared in the front matter"
        )
        yield f": parameter {name} is {where}", "Make the two agree."
    for name in front.parameters.keys() & assigned.keys():
        value, default = assigned[name], front.parameters[name].default
        if default is not None and value != default:
            yield f": the parameters cell gives {name} = {value!r}, the front matter {default!r}", "Make the two agree."


def assignments(source: str) -> dict[str, Value | None]:
    """What a parameters cell assigns. Raises SyntaxError or ValueError for anything but `name = literal`."""
    found: dict[str, Value | None] = {}
    for statement in ast.parse(source).body:
        match statement:
            case (
                ast.Assign(targets=[ast.Name(id=name)], value=value)
                | ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value)
            ):
                found[name] = ast.literal_eval(value)
            case ast.Expr(value=ast.Constant()):
                pass
            case _:
                raise ValueError(f"line {statement.lineno} is not `name = literal`")
    return found
