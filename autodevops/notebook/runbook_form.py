"""Runbooks as forms, in JupyterLab and Voila: pick one, fill in its parameters, rehearse it, run it, see its report.

A run goes through the queue of this process, on a loop thread, so that the notebook stays free and a run can be
cancelled. Cells that do something wait for a person's yes, as with `autodevops approve`. The report is shown in a frame
that may load nothing, so that it looks the same wherever the notebook is served.
"""

from __future__ import annotations

from concurrent.futures import Future
from html import escape
from typing import TYPE_CHECKING, Any

from autodevops.kernel.errors import AutoDevOpsError
from autodevops.kernel.person import person
from autodevops.notebook.runbook_fields import Field
from autodevops.runbooks import progress
from autodevops.runbooks.bundle import REPORT
from autodevops.settings import Settings, load_settings
from autodevops.widgets.loop_thread import LoopThread
from autodevops.workbench import Workbench

if TYPE_CHECKING:
    from autodevops.runbooks import Runbook, RunHandle, RunRecord
    from autodevops.runbooks.parameters import Value
    from autodevops.runbooks.rehearsal import Rehearsal

_SIGNS = {"met": "✓", "not met": "✗", "unknown": "?"}


class RunbookForm:
    """The last line of a cell shows it. `future` is what was started last."""

    def __init__(self, runbook: Runbook, settings: Settings | None = None) -> None:
        import ipywidgets

        self.runbook = runbook
        self.future: Future[Any] | None = None
        self._settings = settings or load_settings()
        self._loop = LoopThread("autodevops-runbook")
        self._handle: RunHandle | None = None
        self._record: RunRecord | None = None
        self.rehearse = ipywidgets.Button(description="Dry run", tooltip="Check everything, run nothing")
        self.run = ipywidgets.Button(description="Run", button_style="primary")
        self.cancel = ipywidgets.Button(description="Cancel", disabled=True)
        self.show_report = ipywidgets.Button(description="Show report", disabled=True)
        self.bar = ipywidgets.IntProgress(min=0, max=1, value=0, layout={"visibility": "hidden"})
        self.status = ipywidgets.HTML()
        self.report = ipywidgets.HTML()
        self.fields: list[Field] = []
        front = runbook.front
        for name, parameter in front.parameters.items():
            self.fields.append(Field(runbook.name, name, parameter, self._changed))
        self.rehearse.on_click(lambda _button: self._start(self._rehearse))
        self.run.on_click(lambda _button: self._start(self._run))
        self.cancel.on_click(lambda _button: self._cancel())
        self.show_report.on_click(lambda _button: self._show_report())
        heading = ipywidgets.HTML(
            f"<h3 style='margin:0'>{escape(front.title)}</h3><div>{escape(front.purpose)}</div>"
            f"<div style='opacity:.85'>{escape(front.risk)} · {escape(front.owner)}</div>"
        )
        buttons = ipywidgets.HBox(
            [self.rehearse, self.run, self.cancel, self.show_report], layout={"flex_flow": "row wrap"}
        )
        rows = [heading, *(field.box for field in self.fields), buttons, self.bar, self.status, self.report]
        self.box = ipywidgets.VBox(rows)
        self._changed()

    def _ipython_display_(self) -> None:
        from IPython.display import display

        display(self.box)

    def close(self) -> None:
        """Interrupts a run that is going on; its bundle is whole when this returns."""
        self._loop.close()

    def _changed(self) -> None:
        busy = self.future is not None and not self.future.done()
        wrong = any(field.problem for field in self.fields)
        self.rehearse.disabled = self.run.disabled = busy or wrong
        self.cancel.disabled = not busy

    def _start(self, work: Any) -> None:
        if self.future is not None and not self.future.done():
            return
        try:
            values = {field.name: field.read() for field in self.fields}
        except AutoDevOpsError as error:
            self._say(str(error))
            return
        self.report.value = ""
        self.show_report.disabled = True
        self.future = self._loop.start(work, values)
        self._changed()
        self.future.add_done_callback(lambda _future: self._changed())

    async def _rehearse(self, values: dict[str, Value]) -> None:
        try:
            async with Workbench.from_settings(self._settings) as workbench:
                found = await workbench.rehearse(self.runbook, values)
        except AutoDevOpsError as error:
            self._say(str(error))
            return
        self._say(*_words(found))

    async def _run(self, values: dict[str, Value]) -> None:
        from autodevops.runbooks import RunRequest

        self._say("waits for its turn")
        self.bar.value, self.bar.layout.visibility = 0, "visible"
        try:
            with Workbench.from_settings(self._settings) as workbench:
                means = workbench.run_means(gate=workbench.approval_gate())
                async with workbench.run_queue(means) as queue:
                    reason = "from its form"
                    request = RunRequest(self.runbook, values, requested_by=person(), reason=reason)
                    self._handle = queue.submit(request)
                    async for event in self._handle.progress:
                        self._follow(event)
                    self._record = await self._handle.result()
        except AutoDevOpsError as error:
            self._say(str(error))
            return
        finally:
            self._handle = None
        run = self._record.run
        why = f"{run.error.kind}: {run.error.message}" if run.error else ""
        undone = f"rollback: {run.rollback.replace('_', ' ')}" if run.rollback else ""
        self._say(f"{run.status.replace('_', ' ')}: run {run.id}", why, undone, str(self._record.where))
        self.show_report.disabled = False

    def _follow(self, event: progress.RunEvent) -> None:
        match event:
            case progress.RunStarted(cells=cells):
                self.bar.max, self.bar.value = max(1, cells), 0
            case progress.CellStarted(cell=cell):
                self._say(f"cell {cell + 1} runs")
            case progress.CellWaiting(run_id=run_id, cell=cell):
                self._say(f"cell {cell + 1} waits for a person's yes: `autodevops approve`, run {run_id}")
            case progress.CellFinished():
                self.bar.value = min(self.bar.max, self.bar.value + 1)
            case progress.RunRetrying(status=status, pause_seconds=pause):
                self._say(f"{status.replace('_', ' ')}; tried again in {pause:g} s")

    def _cancel(self) -> None:
        handle = self._handle
        if handle is not None:
            self._loop.run(_cancelled, handle)
        elif self.future is not None:
            self.future.cancel()

    def _show_report(self) -> None:
        if self._record is None:
            return
        page = (self._record.folder / REPORT).read_text(encoding="utf-8")
        style = "width:100%;height:40em;border:1px solid #8888"
        self.report.value = (
            f'<iframe title="Report" sandbox="allow-scripts" style="{style}" srcdoc="{escape(page)}"></iframe>'
        )

    def _say(self, *lines: str) -> None:
        self.status.value = "<br>".join(escape(line) for line in lines if line)


async def _cancelled(handle: RunHandle) -> None:
    handle.cancel("cancelled in its form")


def _words(found: Rehearsal) -> list[str]:
    lines = [f"{name} = {value!r}" for name, value in found.parameters.items()]
    for answered in found.preconditions:
        words = f"{_SIGNS[answered.state]} {answered.precondition.text} ({answered.message})"
        lines.append(words if answered.state == "met" else f"{words} {answered.next_step}")
    if found.gated_cells:
        lines.append(f"A person is asked before cell {', '.join(map(str, found.gated_cells))}.")
    return [*lines, "Ready to run." if found.ready else "Not ready: something it needs is not there."]


def form(name: str, settings: Settings | None = None) -> RunbookForm:
    """The form of one runbook. Raises UsageError when there is none of that name."""
    from autodevops.runbooks.sources import catalogue_of

    settings = settings or load_settings()
    return RunbookForm(catalogue_of(settings.scarlet).load(name), settings)


def picker(settings: Settings | None = None) -> Any:
    """All runbooks to pick from, with the form of the picked one below; a run goes on when another one is picked."""
    import ipywidgets

    from autodevops.runbooks.sources import catalogue_of

    settings = settings or load_settings()
    forms: dict[str, RunbookForm] = {}
    choice = ipywidgets.Dropdown(options=catalogue_of(settings.scarlet).names(), description="Runbook")
    place = ipywidgets.VBox()

    def show(_change: Any = None) -> None:
        name = choice.value
        if name is None:
            place.children = [ipywidgets.HTML("There is no runbook: see [scarlet] runbooks in the settings.")]
            return
        try:
            if name not in forms:
                forms[name] = form(name, settings)
            place.children = [forms[name].box]
        except AutoDevOpsError as error:
            place.children = [ipywidgets.HTML(escape(str(error)))]

    choice.observe(show, names="value")
    show()
    return ipywidgets.VBox([choice, place])
