"""Writes docs/reference/ from the code (settings, commands, tools, rules) for `make docs`; a test compares."""

from __future__ import annotations

import asyncio
import importlib
import inspect
import pkgutil
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import typer
from pydantic import BaseModel

FOLDER = Path(__file__).parent / "reference"
RULE_TITLE = re.compile(r"[A-Z]\w+.* \([A-Z0-9]+\d{3}[,)]")
HEADER = "<!-- Made by `make docs` from the code; edit the code. -->\n\n"


def settings_page() -> str:
    from autodevops.settings import Settings

    lines = [
        "# Settings",
        "",
        "`autodevops.toml`, then the environment, then flags; later ones win.",
        "`AUTODEVOPS_SETTINGS_FILE` names another file.",
        "Tables in environment variables are written as JSON, names as `a, b`.",
    ]
    for section, field in Settings.model_fields.items():
        model = field.annotation
        assert isinstance(model, type)
        assert issubclass(model, BaseModel)
        lines += ["", f"## [{section}]", "", "| setting | environment | default | meaning |", "|---|---|---|---|"]
        for name, entry in model.model_fields.items():
            variable = f"AUTODEVOPS_{section}__{name}".upper()
            lines.append(f"| `{name}` | `{variable}` | {_default(entry.default)} | {entry.description} |")
    return "\n".join(lines) + "\n"


def _default(value: object) -> str:
    text = str(value)
    return "" if text in {"", "None", "()", "{}"} or "SecretStr" in repr(value) else f"`{text}`"


def commands_page() -> str:
    from autodevops.cli.app import app

    root = typer.main.get_command(app)
    lines = [
        "# Commands",
        "",
        "stdout carries the answer, stderr everything else.",
        "Exit status: 0 done, 1 failure, 2 usage, 130 interrupted.",
    ]
    for path, command in _commands("autodevops", root):
        lines += ["", f"## `{path}`", "", inspect.cleandoc(command.help or "")]
        rows = [
            f"| `{', '.join(p.opts)}` | {getattr(p, 'help', '') or ''} |" for p in command.params if p.name != "help"
        ]
        if rows:
            lines += ["", "| argument or option | meaning |", "|---|---|", *rows]
    return "\n".join(lines) + "\n"


def _commands(path: str, command: object) -> Iterator[tuple[str, object]]:
    children = getattr(command, "commands", None)
    if children is None:
        yield path, command
        return
    for name, child in children.items():
        yield from _commands(f"{path} {name}", child)


def tools_page() -> str:
    from autodevops import servers
    from autodevops.settings import Settings
    from autodevops.toolbox import McpToolbox

    async def specs() -> tuple[object, ...]:
        async with McpToolbox({name: servers.create(name, Settings()) for name in servers.NAMES}) as toolbox:
            return await toolbox.list_tools()

    lines = [
        "# Tools",
        "",
        "What the MCP servers offer. Serve one with `autodevops mcp serve NAME`; every tool here only reads.",
    ]
    server = ""
    for spec in sorted(asyncio.run(specs()), key=lambda spec: spec.name):
        if spec.name.split(".")[0] != server:
            server = spec.name.split(".")[0]
            lines += ["", f"## {server}"]
        arguments = ", ".join(f"`{name}`" for name in spec.input_schema.get("properties", {})) or "none"
        lines += ["", f"### {spec.name}", "", inspect.cleandoc(spec.description), "", f"Arguments: {arguments}."]
    return "\n".join(lines) + "\n"


def rules_page() -> str:
    from autodevops.investigation import rules

    lines = ["# Rules", "", "What the investigation engine judges by: one analyzer a file, its docstring is its page."]
    for module in sorted(pkgutil.iter_modules(rules.__path__), key=lambda module: module.name):
        page = inspect.getdoc(importlib.import_module(f"{rules.__name__}.{module.name}")) or ""
        title, _, body = page.partition("\n")
        if RULE_TITLE.match(title):  # what the rules share has no code
            lines += ["", f"## {title.split()[0]}", "", title, body]
    return "\n".join(lines) + "\n"


PAGES = {"settings": settings_page, "commands": commands_page, "tools": tools_page, "rules": rules_page}


def main() -> int:
    """Write the pages; with --check only say which differ."""
    FOLDER.mkdir(exist_ok=True)
    stale = []
    for name, page in PAGES.items():
        path, text = FOLDER / f"{name}.md", HEADER + page()
        if not path.exists() or path.read_text() != text:
            stale.append(path.name)
            if "--check" not in sys.argv:
                path.write_text(text)
    if stale and "--check" in sys.argv:
        print(f"docs/reference is not what the code says: {', '.join(stale)}. Run `make docs` and commit it.")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
