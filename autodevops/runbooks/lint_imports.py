"""Whether what the cells import is there: modules, the names taken from them, and what is read of a module.

Modules are imported for it; cells are not run. One that lies in the working folder alone, where a run's kernel finds
it, is taken as it is. An import inside `try` may fail: the cell says what then.
"""

from __future__ import annotations

import ast
import importlib
import pkgutil
import sys
from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import NamedTuple


class Lacking(NamedTuple):
    cell: int
    line: int
    words: str


def lacking(cells: Mapping[int, str]) -> Iterator[Lacking]:
    """What is not there, of cells in plain Python by their number. One that cannot be parsed is left out."""
    trees = {number: tree for number, source in cells.items() if (tree := _parsed(source)) is not None}
    modules: dict[str, str] = {}  # the names by which the cells know modules
    for number, tree in trees.items():
        for node in _unguarded(tree):
            if isinstance(node, ast.Import):
                for one in node.names:
                    if words := _no_module(one.name):
                        yield Lacking(number, node.lineno, words)
                    elif not _of_the_folder(one.name):
                        top = one.name.partition(".")[0]
                        modules[one.asname or top] = one.name if one.asname else top
            elif isinstance(node, ast.ImportFrom) and node.module and not _of_the_folder(node.module):
                if words := _no_module(node.module):
                    yield Lacking(number, node.lineno, words)
                    continue
                for one in node.names:
                    if one.name != "*" and (words := _no_name(node.module, one.name)):
                        yield Lacking(number, node.lineno, words)
                    elif isinstance(taken := getattr(sys.modules[node.module], one.name, None), ModuleType):
                        modules[one.asname or one.name] = taken.__name__
    for name in _bound(trees.values()):
        modules.pop(name, None)
    for number, tree in trees.items():
        for node in ast.walk(tree):
            if not isinstance(node, ast.Attribute) or not isinstance(node.value, ast.Name):
                continue
            module = modules.get(node.value.id)
            if module and (words := _no_name(module, node.attr)):
                yield Lacking(number, node.lineno, words)


def _parsed(source: str) -> ast.Module | None:
    try:
        return ast.parse(source)
    except (SyntaxError, ValueError):
        return None


def _unguarded(tree: ast.AST) -> Iterator[ast.AST]:
    for node in ast.iter_child_nodes(tree):
        if not isinstance(node, ast.Try):
            yield node
            yield from _unguarded(node)


def _bound(trees: Iterable[ast.AST]) -> Iterator[str]:
    """Names that are something else somewhere."""
    for tree in trees:
        for node in ast.walk(tree):
            if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
                yield node.id
            elif isinstance(node, ast.arg):
                yield node.arg


def _of_the_folder(name: str) -> bool:
    top = name.partition(".")[0]
    place = Path.cwd() / top
    return (place.is_dir() or place.with_suffix(".py").is_file()) and find_spec(top) is None


def _no_module(name: str) -> str:
    if _of_the_folder(name):
        return ""
    try:
        importlib.import_module(name)
    except ModuleNotFoundError as error:
        absent = error.name or name
        if not f"{name}.".startswith(f"{absent}."):
            return f"{name} cannot be imported: {error}"
        above = absent.rpartition(".")[0]
        around = pkgutil.iter_modules(getattr(sys.modules[above], "__path__", ()) if above else None)
        known = {*(one.name for one in around), *(() if above else sys.stdlib_module_names)}
        return f"there is no module {absent}" + _nearest(absent.rpartition(".")[2], known)
    except Exception as error:  # noqa: BLE001  # a module may fail in any way when it is imported
        return f"{name} cannot be imported: {error}"
    return ""


def _no_name(module: str, name: str) -> str:
    found = sys.modules.get(module)
    try:
        if found is None or hasattr(found, name) or not _no_module(f"{module}.{name}"):
            return ""
    except ImportError as error:  # of a module that reads its names when they are asked for
        return f"{module}.{name} cannot be had: {error}"
    return f"{module} has no {name}" + _nearest(name, {*dir(found), *getattr(found, "__all__", ())})


def _nearest(name: str, known: Iterable[str]) -> str:
    near = get_close_matches(name, sorted(known), 1)
    return f"; did you mean {near[0]}?" if near else ""
