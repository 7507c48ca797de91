"""A runbook's parameter as a control: the declaration decides which, and what is wrong is said while it is typed."""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from typing import Any

from autodevops.kernel.errors import UsageError
from autodevops.runbooks.parameters import Parameter, Value, allowed, from_text, objection

_LARGEST = 2**53  # whole numbers up to here are the same in a browser


class Field:
    """`box` is what a person sees; `problem` says why its value cannot be taken, or is empty."""

    def __init__(self, runbook: str, name: str, parameter: Parameter, changed: Callable[[], None]) -> None:
        import ipywidgets

        self.name = name
        self.parameter = parameter
        self.problem = ""
        self._runbook = runbook
        self._changed = changed
        self.control = _control(parameter)
        self.control.layout.width = "20em"
        self._words = ipywidgets.HTML()
        mark = " <b title='required'>*</b>" if parameter.required else ""
        label = ipywidgets.HTML(f"<b>{escape(name)}</b>{mark}", layout={"width": "12em"})
        unit = ipywidgets.HTML(escape(parameter.unit))
        row = ipywidgets.HBox([label, self.control, unit], layout={"flex_flow": "row wrap"})
        self.box = ipywidgets.VBox([row, self._words])
        self.control.observe(self._check, names="value")
        self._check()

    def read(self) -> Value:
        """Raises UsageError when it cannot be taken."""
        value = self.control.value
        if value is None or (value == "" and self.parameter.required):
            raise UsageError(f"Parameter {self.name} is required.", f"Give {allowed(self.parameter)}.")
        if isinstance(value, str) and self.parameter.type != "str" and not self.parameter.choices:
            value = from_text(self._runbook, self.name, self.parameter, value)
        if why := objection(self.parameter, value):
            raise UsageError(f"Parameter {self.name} cannot be {value!r}: {why}.", f"Give {allowed(self.parameter)}.")
        taken: Value = value
        return taken

    def _check(self, _change: Any = None) -> None:
        try:
            self.read()
            self.problem = ""
        except UsageError as error:
            self.problem = str(error)
        words = f"<b role='alert'>{escape(self.problem)}</b>" if self.problem else escape(self.parameter.help)
        self._words.value = f"<div style='opacity:.85'>{words}</div>"
        self._changed()


def _control(parameter: Parameter) -> Any:
    """Numbers that have a default get a control that knows their bounds; one that must be given begins empty."""
    import ipywidgets

    default = parameter.default
    if parameter.choices:
        options: list[tuple[str, Value | None]] = [(str(choice), choice) for choice in parameter.choices]
        return ipywidgets.Dropdown(
            options=options if default is not None else [("choose", None), *options], value=default
        )
    if parameter.type == "bool":
        if default is None:
            return ipywidgets.Dropdown(options=[("choose", None), ("yes", True), ("no", False)], value=None)
        return ipywidgets.Checkbox(value=default, indent=False)
    if parameter.type == "str" or default is None:
        return ipywidgets.Text(value=str(default or ""), placeholder=allowed(parameter), continuous_update=True)
    low = parameter.minimum if parameter.minimum is not None else -_LARGEST
    high = parameter.maximum if parameter.maximum is not None else _LARGEST
    if parameter.type == "int":
        return ipywidgets.BoundedIntText(value=default, min=int(low), max=int(high))
    return ipywidgets.BoundedFloatText(value=default, min=low, max=high, step=None)
