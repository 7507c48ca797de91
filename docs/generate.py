"""Writes docs/reference/ from the code (settings, commands, tools, actions, rules, scenarios, faults) and the
catalogue of runbooks from their front matter for `make docs`; a test compares."""

from __future__ import annotations

import ast
import asyncio
import importlib
import inspect
import json
import pkgutil
import re
import sys
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import typer
import yaml
from pydantic import BaseModel
from pydantic.fields import FieldInfo

if TYPE_CHECKING:
    from autodevops.sandbox.world.scenario import Truth

FOLDER = Path(__file__).parent
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
        named = get_args(field.annotation)  # a table of sections, each with a name of one's own
        model = named[-1] if named else field.annotation
        assert isinstance(model, type)
        assert issubclass(model, BaseModel)
        section = f"{section}.NAME" if named else section
        lines += ["", f"## [{section}]", ""]
        if not model.model_fields:  # names of one's own
            lines.append(inspect.cleandoc(model.__doc__ or ""))
            continue
        lines += ["| setting | environment | default | meaning |", "|---|---|---|---|"]
        meanings = _meanings(model)
        for name, entry in model.model_fields.items():
            variable = f"AUTODEVOPS_{section.replace('.', '__')}__{name}".upper()
            lines.append(f"| `{name}` | `{variable}` | {_default(entry.default)} | {meanings[name]} |")
    return "\n".join(lines) + "\n"


def _meanings(model: type[BaseModel]) -> dict[str, str]:
    """The string below each field of the model and of those that it is made from."""
    return {
        field.target.id: inspect.cleandoc(below.value.value)
        for one in reversed(model.__mro__[: model.__mro__.index(BaseModel)])
        for found in ast.parse(inspect.getsource(one)).body
        for field, below in pairwise(getattr(found, "body", ()))
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name)
        if isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant) and isinstance(below.value.value, str)
    }


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

    sections = Settings.model_fields
    writing = {
        section: {"allow_writes": True}
        for section, field in sections.items()
        if "allow_writes" in getattr(field.annotation, "model_fields", {})
    }
    settings = Settings.model_validate(writing)

    async def specs() -> tuple[object, ...]:
        async with McpToolbox({name: servers.create(name, settings) for name in servers.NAMES}) as toolbox:
            return await toolbox.list_tools()

    lines = [
        "# Tools",
        "",
        "What the MCP servers offer. Serve one with `autodevops mcp serve NAME`. A tool only reads unless it says so;",
        "those that write are offered only where the section's `allow_writes` is set.",
    ]
    server = ""
    for spec in sorted(asyncio.run(specs()), key=lambda spec: spec.name):
        if spec.name.split(".")[0] != server:
            server = spec.name.split(".")[0]
            lines += ["", f"## {server}"]
        arguments = ", ".join(f"`{name}`" for name in spec.input_schema.get("properties", {})) or "none"
        writes = "" if spec.read_only else " Writes: needs `allow_writes`."
        lines += [
            "",
            f"### {spec.name}",
            "",
            inspect.cleandoc(spec.description),
            "",
            f"Arguments: {arguments}.{writes}",
        ]
    return "\n".join(lines) + "\n"


def rules_page() -> str:
    from autodevops.investigation import rules

    lines = ["# Rules", "", "What the investigation engine judges by: one analyzer a file, its docstring is its page."]
    for module in sorted(pkgutil.iter_modules(rules.__path__), key=lambda module: module.name):
        page = inspect.getdoc(importlib.import_module(f"{rules.__name__}.{module.name}")) or ""
        title, _, body = page.partition("\n")
        if RULE_TITLE.match(title):  # what the rules share has no code
            lines += ["", f"## {title.partition(',')[0]})", "", title, body]
    return "\n".join(lines) + "\n"


def actions_page() -> str:
    from autodevops.executor.catalogue import KINDS
    from autodevops.executor.remedies import RECIPES, ROLL_BACK

    lines = [
        "# Actions",
        "",
        "What may be done to the world, and nothing else. Each is planned, tried without being kept,",
    ]
    lines += ["decided about, done once, verified, and taken back where it made things worse.", ""]
    lines += ["| action | risk | undo |", "|---|---|---|"]
    lines += [f"| [`{name}`](#{name}) | {one.risk} | {one.undo_words or 'none'} |" for name, one in KINDS.items()]
    for name, kind in KINDS.items():
        page = inspect.cleandoc(sys.modules[type(kind).__module__].__doc__ or "")
        schemas = kind.noun.model_json_schema()
        required = schemas.get("required", ())
        lines += ["", f"## {name}", "", page, "", "| field | type | |", "|---|---|---|"]
        lines += [
            f"| `{field}` | {_accepts(schema)} | {'' if field in required else 'optional'} |"
            for field, schema in schemas["properties"].items()
            if field != "kind"
        ]
    lines += ["", "## Which answers which cause", ""]
    lines += [
        "Causes that are not here are answered in words: no action mends them, or only people know the right value.",
        "",
    ]
    lines += ["| cause | action | what it does about it |", "|---|---|---|"]
    lines.append(f"| any, where a release is suspected | {ROLL_BACK.kind} | {ROLL_BACK.why} |")
    lines += [
        f"| {reason} | {recipe.kind} | {recipe.why} |" for reason, recipes in RECIPES.items() for recipe in recipes
    ]
    return "\n".join(lines) + "\n"


def _accepts(schema: dict[str, Any]) -> str:
    """What a field takes, in words."""
    if "anyOf" in schema:
        return " or ".join(_accepts(one) for one in schema["anyOf"] if one.get("type") != "null")
    if "enum" in schema:
        return ", ".join(f"`{one}`" for one in schema["enum"])
    kind = {"string": "text", "integer": "number", "object": "texts by name", "array": "texts"}[schema["type"]]
    low, high = schema.get("minimum"), schema.get("maximum")
    bounds = f"{low} to {high}" if high is not None else f"from {low}" if low is not None else ""
    longest = f"at most {schema['maxLength']} characters" if "maxLength" in schema else ""
    about = str(schema.get("description", ""))
    return ", ".join(part for part in (f"{kind} {bounds}".strip(), about, longest) if part)


def scenarios_page() -> str:
    from autodevops.sandbox.world.scenario import grouped, shipped_scenarios

    lines = [
        "# Scenarios",
        "",
        "What `autodevops sandbox up NAME` and `autodevops sandbox gameday` can play. What is wrong is folded away, so",
        "that one can rehearse; titles say a little already.",
    ]
    for group, scenarios in grouped(shipped_scenarios()):
        lines += ["", f"## {group}"]
        for one in scenarios:
            lines += ["", f"### {one.name}", "", f"{one.title}.", "", "<details><summary>What is wrong</summary>", ""]
            lines += [one.summary, "", *_truth(one.truth), "", "</details>"]
    return "\n".join(lines) + "\n"


def _truth(truth: Truth) -> Iterator[str]:
    if truth.subject is None:
        yield "Nothing is wrong."
        return
    since = _duration(-(truth.onset or 0.0))
    yield f"{truth.reason}: {truth.subject.kind} {truth.subject.name}, {since} before the start."
    for cause in truth.also:
        yield f"Besides, {cause.reason}: {cause.subject.kind} {cause.subject.name}."
    yield ""
    for one in truth.remediations:
        steps = [f"{step.action} {step.subject.kind} {step.subject.name}" for step in (one, *one.then)]
        yield f"- {', then '.join(steps)}: {one.effect}"


def _duration(seconds: float) -> str:
    hours, minutes = divmod(round(seconds / 60), 60)
    return " ".join(f"{n} {unit}" for n, unit in ((hours, "h"), (minutes, "min")) if n)


def faults_page() -> str:
    from autodevops.sandbox.world.faults import Fault

    lines = [
        "# Faults",
        "",
        "The primitives that scenarios are made of. Every one has an `onset` relative to the scenario's start (`-20m`",
        "is before it, `5m` after it) and, where something can end, an `until`.",
        "[How to write a scenario](../sandbox.md).",
    ]
    for primitive in get_args(get_args(Fault)[0]):
        kind = get_args(primitive.model_fields["kind"].annotation)[0]
        lines += ["", f"## {kind}", "", inspect.cleandoc(primitive.__doc__ or "")]
        lines += ["", "| field | type | default |", "|---|---|---|", *_fields(primitive, "")]
        lines += ["", "```yaml", yaml.safe_dump([_example(kind)], sort_keys=False, width=110).strip(), "```"]
    return "\n".join(lines) + "\n"


def _fields(model: type[BaseModel], prefix: str) -> Iterator[str]:
    for name, field in model.model_fields.items():
        if name == "kind":
            continue
        nested = field.annotation
        if isinstance(nested, type) and issubclass(nested, BaseModel):
            yield from _fields(nested, f"{prefix}{name}.")
            continue
        default = "required" if field.is_required() else _default(field.default)
        yield f"| `{prefix}{name}` | {_type(field)} | {default} |"


def _type(field: FieldInfo) -> str:
    from autodevops.sandbox.basics.moments import parse_duration

    text = (
        str(field.annotation).replace("NoneType", "None") if get_args(field.annotation) else field.annotation.__name__
    )
    for name in re.findall(r"(?:\w+\.)+(?=\w)", text):
        text = text.replace(name, "")
    text = text.removesuffix(" | None")
    if "parse_duration" in text or any(getattr(one, "func", None) is parse_duration for one in field.metadata):
        text = "duration"
    limits = [f"{sign} {getattr(one, name):g}" for one in field.metadata for name, sign in _SIGNS if hasattr(one, name)]
    return " ".join([f"`{text}`".replace("|", "\\|"), ", ".join(limits)]).strip()


_SIGNS = (("gt", ">"), ("ge", ">="), ("lt", "<"), ("le", "<="))


def _example(kind: str) -> object:
    """The shortest one that ships, as it is written there."""
    from autodevops.sandbox.world.scenario import shipped_sources

    found = [
        fault
        for text in shipped_sources().values()
        for fault in (yaml.safe_load(text).get("faults") or [])
        if fault["kind"] == kind
    ]
    return min(found, key=lambda fault: (len(str(fault)), str(fault)))


def runbooks_page() -> str:
    from autodevops.runbooks import Catalogue
    from autodevops.runbooks.parameters import allowed

    lines = [
        "# The runbooks that are shipped",
        "",
        "Run one with `autodevops runbook run NAME -p PARAMETER=VALUE`, or [as a form](runbooks.md#forms). Each but",
        "the postmortem says in its first line what it found, then what it rests on and what could not be seen.",
        "",
        "| runbook | purpose | risk |",
        "|---|---|---|",
    ]
    runbooks = Catalogue(FOLDER.parent / "runbooks").all()
    lines += [f"| [{one.front.title}](#{one.name}) | {one.front.purpose} | {one.front.risk} |" for one in runbooks]
    for one in runbooks:
        front = one.front
        systems = ", ".join(front.systems) or "the ledger, and what it names"
        lines += ["", f"## {one.name}", "", f"{front.title}. {front.purpose}", ""]
        lines += [f"Risk: {front.risk}. Systems: {systems}. At most {front.time_limit_seconds / 60:g} minutes.", ""]
        if before := [condition.text for condition in front.preconditions]:
            lines += [f"Before: {' '.join(before)}", ""]
        lines += ["| parameter | default | allowed | meaning |", "|---|---|---|---|"]
        for name, parameter in front.parameters.items():
            default = "required" if parameter.required else f"`{parameter.default}`" if parameter.default != "" else ""
            may_be = allowed(parameter).partition(" matching ")[0]
            lines.append(f"| `{name}` | {default} | {may_be} | {parameter.help} |")
    return "\n".join(lines) + "\n"


PAGES = {
    "reference/settings": settings_page,
    "reference/commands": commands_page,
    "reference/tools": tools_page,
    "reference/actions": actions_page,
    "reference/rules": rules_page,
    "reference/scenarios": scenarios_page,
    "reference/faults": faults_page,
    "runbooks-catalogue": runbooks_page,
}


def main() -> int:
    """Write the pages; with --check only say which differ."""
    (FOLDER / "reference").mkdir(exist_ok=True)
    stale = []
    for name, page in PAGES.items():
        path, text = FOLDER / f"{name}.md", HEADER + page()
        if not path.exists() or path.read_text() != text:
            stale.append(str(path.relative_to(FOLDER)))
            if "--check" not in sys.argv:
                path.write_text(text)
    if stale and "--check" in sys.argv:
        print(f"docs/ is not what the code says: {', '.join(stale)}. Run `make docs` and commit it.")
        return 1
    _tell_of_old_pictures()
    return 0


def _tell_of_old_pictures() -> None:
    from autodevops.kernel.ids import bytes_digest
    from autodevops.widgets import STATIC

    made_from = FOLDER / "images" / "made-from.json"
    shown = json.loads(made_from.read_text()) if made_from.exists() else {}
    changed = [
        path.name for path in sorted(STATIC.iterdir()) if shown.get(path.name) != bytes_digest(path.read_bytes())
    ]
    if changed:
        print(f"docs/images shows older surfaces: {', '.join(changed)} changed since. `make pictures` takes them anew.")


if __name__ == "__main__":
    sys.exit(main())
