"""`%load_ext autodevops`: ask Jamie and query the systems in their own languages, in a cell.

`%jamie why are checkouts failing?`, `%%promql --last 30m`, `%%logql`, `%%traceql`, `%kube get pods -n shop`. A query's
result is the same table as of the library, which `--as NAME` also keeps in a variable. Errors are told in one
paragraph, without the traceback of our own code.
"""

from __future__ import annotations

import argparse
import atexit
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NoReturn

from IPython.core.magic import Magics, cell_magic, line_cell_magic, line_magic, magics_class, no_var_expand

from autodevops.kernel.errors import AutoDevOpsError, UsageError
from autodevops.notebook import desk, kube, logs, metrics, traces
from autodevops.notebook.completion import OPTIONS, complete
from autodevops.notebook.jamie import Jamie

if TYPE_CHECKING:
    from autodevops.notebook.table import Table


def load(shell: Any) -> None:
    """Register magics and completion; loading again changes nothing."""
    if getattr(shell, "_autodevops_loaded", False):
        return
    shell._autodevops_loaded = True
    shell.register_magics(AutoDevOpsMagics(shell))
    shell.input_transformers_cleanup.append(questions)
    shell.Completer.custom_matchers.append(complete)
    desk.open_soon()


def questions(lines: list[str]) -> list[str]:
    """`%jamie why?` is a question to Jamie, where IPython would show its help about `why`."""
    return [
        f"get_ipython().run_line_magic('jamie', {line.strip().removeprefix('%jamie').strip()!r})\n"
        if line.startswith("%jamie ") and line.rstrip().endswith("?")
        else line
        for line in lines
    ]


@magics_class
class AutoDevOpsMagics(Magics):
    def __init__(self, shell: Any) -> None:
        super().__init__(shell)
        self._jamie: Jamie | None = None

    @no_var_expand
    @line_cell_magic
    def jamie(self, line: str, cell: str | None = None) -> object:
        """Ask Jamie. Without a question it shows the chat; a cell's text is what the question is about."""
        with _told_briefly():
            if self._jamie is None:
                self._jamie = Jamie()
                atexit.register(self._jamie.close)
            if not line.strip() and not (cell or "").strip():
                return self._jamie
            if not line.strip():
                return self._jamie.ask(cell or "")
            return self._jamie.ask(line, about=cell or "")

    @cell_magic
    def promql(self, line: str, cell: str) -> Table:
        """--last 30m | --start T --end T, --step SECONDS, --at T (one moment), --as NAME"""
        with _told_briefly():
            given = _options("promql").parse_args(_split(line))
            if given.at is not None:
                return self._kept(given, metrics.instant(_query(cell, "PromQL"), given.at))
            found = metrics.range(_query(cell, "PromQL"), given.last, start=given.start, end=given.end, step=given.step)
            return self._kept(given, found)

    @cell_magic
    def logql(self, line: str, cell: str) -> Table:
        """--last 30m | --start T --end T, --limit LINES, --step SECONDS (of a metric), --as NAME"""
        with _told_briefly():
            given = _options("logql").parse_args(_split(line))
            query = _query(cell, "LogQL")
            window = {"start": given.start, "end": given.end}
            if query.startswith("{"):
                return self._kept(given, logs.query(query, given.last, **window, limit=given.limit))
            return self._kept(given, logs.range(query, given.last, **window, step=given.step))

    @cell_magic
    def traceql(self, line: str, cell: str) -> Table:
        """--last 30m | --start T --end T, --limit TRACES, --as NAME"""
        with _told_briefly():
            given = _options("traceql").parse_args(_split(line))
            query = _query(cell, "TraceQL")
            found = traces.search(query, given.last, start=given.start, end=given.end, limit=given.limit)
            return self._kept(given, found)

    @line_magic
    def kube(self, line: str) -> Table:
        """get KIND [NAME] [-n NAMESPACE | -A] [-l LABELS] | events [-n NS] | logs POD [-n NS] [-c CONTAINER]"""
        with _told_briefly():
            given = _kube_options().parse_args(_split(line))
            return self._kept(given, _kube(given))

    def _kept(self, given: argparse.Namespace, found: Table) -> Table:
        if given.name_it and self.shell is not None:
            self.shell.user_ns[given.name_it] = found
        return found


def _kube(given: argparse.Namespace) -> Table:
    namespace = "" if given.all_namespaces else given.namespace or desk.default_namespace()
    match given.verb, given.what:
        case "get", [kind]:
            kind, _, name = kind.partition("/")
            if name:
                return kube.get(kind, name, namespace)
            return kube.get(kind, namespace=namespace, labels=given.labels, limit=given.limit)
        case "get", [kind, name]:
            return kube.get(kind, name, namespace)
        case "events", []:
            return kube.events(namespace, type="Warning" if given.warnings else "", limit=given.limit)
        case "logs", [name]:
            return kube.logs(
                name.removeprefix("pod/"),
                namespace,
                container=given.container,
                previous=given.previous,
                lines=given.tail,
            )
    raise UsageError(
        f"%kube {' '.join([given.verb, *given.what])} is not something that is read here.",
        "Write %kube get KIND [NAME], %kube events, or %kube logs POD; changes go through the executor.",
    )


_TIMES = ("--last", "--start", "--end", "--at")


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{self.prog}: {message}.", self.format_usage().removeprefix("usage: ").strip())


def _options(language: str) -> _Parser:
    parser = _Parser(prog=f"%%{language}", add_help=False, allow_abbrev=False)
    kinds: dict[str, dict[str, Any]] = {"step": {"type": float}, "limit": {"type": int}, "as": _AS}
    for name in OPTIONS[language]:
        parser.add_argument(f"--{name}", **kinds.get(name, {}))
    return parser


def _kube_options() -> _Parser:
    parser = _Parser(prog="%kube", add_help=False, allow_abbrev=False)
    parser.add_argument("verb")
    parser.add_argument("what", nargs="*")
    parser.add_argument("-n", "--namespace", default="")
    parser.add_argument("-A", "--all-namespaces", action="store_true")
    parser.add_argument("-l", "--selector", dest="labels", default="")
    parser.add_argument("-c", "--container", default="")
    parser.add_argument("-p", "--previous", action="store_true")
    parser.add_argument("--tail", type=int)
    parser.add_argument("--limit", type=int)
    parser.add_argument("--warnings", action="store_true")
    parser.add_argument("--as", **_AS)
    return parser


def _identifier(text: str) -> str:
    if not text.isidentifier():
        raise argparse.ArgumentTypeError(f"{text!r} is no name of a variable")
    return text


_AS: dict[str, Any] = {"dest": "name_it", "type": _identifier, "metavar": "NAME"}


def _split(line: str) -> list[str]:
    """The words of a line. A time may begin with a minus, which argparse would take for an option: `--start -2h`."""
    try:
        words = shlex.split(line)
    except ValueError as error:
        raise UsageError(f"The options {line!r} cannot be read: {error}.", "Close every quote.") from error
    joined: list[str] = []
    for word in words:
        if word.startswith("-") and joined and joined[-1] in _TIMES:
            joined[-1] = f"{joined[-1]}={word}"
        else:
            joined.append(word)
    return joined


def _query(cell: str, language: str) -> str:
    query = cell.strip()
    if not query:
        raise UsageError(f"The cell holds no {language}.", "Write the query below the magic's line.")
    return query


@contextmanager
def _told_briefly() -> Iterator[None]:
    try:
        yield
    except AutoDevOpsError as error:
        told = f"{type(error).__name__}: {error}".splitlines()
        setattr(error, "_render_traceback_", lambda: told)  # noqa: B010 - IPython asks for it
        raise
