"""The type, the message and the first frame of a stack trace, by its language's own notation.

Python prints the failing frame last; Java, JavaScript, Go, .NET and Ruby print it first. A Java `Caused by:` names
the root and wins over the wrapper. Frames of runtimes and libraries are passed over where an own frame follows.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_TYPE = r"(?:[A-Za-z_$][\w$]*(?:\.|::))*[A-Z][\w$]*(?:Error|Exception|Fault|Exit|Interrupt|Timeout|Panic|Failure)"
_HEAD = re.compile(
    rf"(?:^|\n|Exception in thread \"[^\"]*\" |Caused by: |Uncaught |[\s:])({_TYPE})(?::[ \t]*([^\n]*))?"
)
_CAUSED_BY = re.compile(rf"Caused by: ({_TYPE})(?::[ \t]*([^\n]*))?")
_GO_PANIC = re.compile(r"(?:^|\n)(?:panic|fatal error): ([^\n]+)")
_PYTHON_FRAME = re.compile(r'File "([^"]+)", line (\d+), in (\S+)')
_AT_FRAME = re.compile(r"^\s*at (.+?)\s*$", re.MULTILINE)
_GO_FRAME = re.compile(r"^\t(\S+\.go:\d+)", re.MULTILINE)
_RUBY_FRAME = re.compile(r"^\s*(?:from )?(\S+\.rb:\d+:in [`'][^'`]+')", re.MULTILINE)
_LIBRARY = re.compile(
    r"site-packages|dist-packages|lib/python3|node_modules|node:internal|^java\.|^javax\.|^jdk\.|^sun\.|^org\.springframework"
    r"|^org\.apache\.|^org\.hibernate|^com\.zaxxer|^io\.netty|^com\.google\.|^kotlin\.|^scala\.|^reactor\."
    r"|^System\.|^Microsoft\.|/usr/local/go/src|/gems/|<frozen"
)


@dataclass(frozen=True)
class StackTrace:
    exception: str = ""
    message: str = ""
    top_frame: str = ""


def read_stack(text: str) -> StackTrace:
    """What a stack trace says, or empty fields where `text` holds none."""
    if len(text) < 5:
        return StackTrace()
    panic = _GO_PANIC.search(text)
    if panic:
        return StackTrace("panic", panic.group(1).strip(), _choose(_GO_FRAME.findall(text)))
    python = [f"{path}:{line} in {name}" for path, line, name in _PYTHON_FRAME.findall(text)]
    frames = list(reversed(python)) or _AT_FRAME.findall(text) or _RUBY_FRAME.findall(text)
    heads = _CAUSED_BY.findall(text) or _HEAD.findall(text)
    if not heads:
        return StackTrace(top_frame=_choose(frames) if len(frames) >= 2 else "")
    # Python writes the raised type after its frames, all others before them.
    exception, message = heads[-1] if python or "Caused by: " in text else heads[0]
    if "Caused by: " in text:
        frames = _AT_FRAME.findall(text[text.rindex("Caused by: ") :]) or frames
    return StackTrace(exception, message.strip(), _choose(frames))


def _choose(frames: list[str]) -> str:
    own = next((frame for frame in frames if not _LIBRARY.search(frame)), "")
    return own or (frames[0] if frames else "")
