"""Every model of the Kubernetes API: its JSON fields and their types, in the notation of the generated client.

They are data, `fields.json`, because importing the client's 845 modules takes longer than an investigation. The file
is written by `python -m autodevops.sandbox.kubernetes.fields` when the client's version moves; a test compares the two.
"""

from __future__ import annotations

import json
from functools import cache
from importlib import import_module, resources

Models = dict[str, dict[str, str]]
_FILE = "fields.json"


@cache
def models() -> Models:
    """By model, such as `V1Pod`: the type of each field."""
    found: Models = json.loads(resources.files(__package__).joinpath(_FILE).read_text("utf-8"))
    return found


def models_of_client() -> Models:
    """The same as the installed client has it."""
    package = import_module("kubernetes.client.models")
    classes = {name: getattr(package, name) for name in sorted(dir(package))}
    return {
        name: {one.attribute_map[field]: kind for field, kind in one.openapi_types.items()}
        for name, one in classes.items()
        if hasattr(one, "openapi_types")
    }


def as_text(found: Models) -> str:
    """One model a line, so that a new version of the client is a readable difference."""
    lines = (f"{json.dumps(name)}:{json.dumps(fields, separators=(',', ':'))}" for name, fields in found.items())
    return "{\n" + ",\n".join(lines) + "\n}\n"


if __name__ == "__main__":
    from pathlib import Path

    Path(__file__).with_name(_FILE).write_text(as_text(models_of_client()), "utf-8")
