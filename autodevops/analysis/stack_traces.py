"""The type, the message and the first frame of a stack trace, by its language's own notation.

Python prints the failing frame last; Java, JavaScript, Go, .NET and Ruby print it first. A Java `Caused by:` names
the root and wins over the wrapper. What else was raised on the way is kept, the innermost first: Python's chained
exceptions, Node's `[cause]` and codes, Ruby's causes. Frames of runtimes and libraries are passed over where an own
frame follows.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_TYPE = r"(?:[A-Za-z_$][\w$]*(?:\.|::))*[A-Z][\w$]*(?:Error|Exception|Fault|Exit|Interrupt|Timeout|Panic|Failure)"
_HEAD = re.compile(
    rf"(?:^|\n|Exception in thread \"[^\"]*\" |Caused by: |Uncaught |[\s:])({_TYPE})(?::[ \t]*([^\n]*))?"
)
_CAUSED_BY = re.compile(rf"Caused by: ({_TYPE})(?::[ \t]*([^\n]*))?")
_PYTHON_RAISED = re.compile(
    r"\n(?P<type>[A-Za-z_][\w.]*)(?:: (?P<message>\S[^\n]*(?:\n(?!\n|Traceback)[^\n]+){0,20}))?(?=\n|$)"
)
_RUBY_RAISED = re.compile(r"(?m)^\S+:\d+:in [`'][^\n]*?': (?P<message>[^\n]+) \((?P<type>[A-Z]\w*(?:::\w+)*)\)$")
_NODE_PROPERTY = re.compile(
    r"^\s+(?:(?:code|errno|input): '[^'\n]+'|(?:\[?(?:cause|parent|original)\]?): \S[^\n]*)", re.MULTILINE
)
_CHAINED = re.compile(
    r"\n+(?:During handling of the above exception|The above exception was the direct cause)[^\n]*\n+"
)
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


_MAY_BE = re.compile(
    r"\n|Error|Exception|Fault|Exit|Interrupt|Timeout|Panic|Failure|panic|fatal error|:in [`']|File \"|^\s"
)  # without any of these there is none
_LONGEST = 1000  # characters kept of a message of several lines


@dataclass(frozen=True)
class StackTrace:
    """`others` is what else was raised on the way, the innermost first, each as its language prints it."""

    exception: str = ""
    message: str = ""
    top_frame: str = ""
    others: tuple[str, ...] = ()


def read_stack(text: str) -> StackTrace:
    """What a stack trace says, or empty fields where `text` holds none."""
    return _read(text) if len(text) >= 5 and _MAY_BE.search(text) else StackTrace()


def _read(text: str) -> StackTrace:
    panic = _GO_PANIC.search(text)
    if panic:
        return StackTrace("panic", panic.group(1).strip(), _choose(_GO_FRAME.findall(text)))
    python = [f"{path}:{line} in {name}" for path, line, name in _PYTHON_FRAME.findall(text)]
    if python and (raised := [found for part in _CHAINED.split(text) if (found := _python_raised(part))]):
        exception, message = raised[-1]
        return StackTrace(exception, message, _choose(python[::-1]), tuple(map(_printed, raised[:-1])))
    if ruby := [(found["type"], found["message"]) for found in _RUBY_RAISED.finditer(text)]:
        return StackTrace(*ruby[0], _choose(_RUBY_FRAME.findall(text)), tuple(map(_printed, ruby[:0:-1])))
    frames = python[::-1] or _AT_FRAME.findall(text) or _RUBY_FRAME.findall(text)
    heads = _CAUSED_BY.findall(text) or _HEAD.findall(text)
    properties = tuple(said.strip() for said in _NODE_PROPERTY.findall(text))
    if not heads:
        return StackTrace(top_frame=_choose(frames) if len(frames) >= 2 else "", others=properties)
    # Python writes the raised type after its frames, all others before them.
    exception, message = heads[-1] if python or "Caused by: " in text else heads[0]
    if "Caused by: " in text:
        frames = _AT_FRAME.findall(text[text.rindex("Caused by: ") :]) or frames
        others = [*heads[-2::-1], *_HEAD.findall(text[: text.index("Caused by: ")])]
    else:
        others = heads[:0:-1]
    return StackTrace(exception, message.strip(), _choose(frames), (*map(_printed, others), *properties))


def _python_raised(text: str) -> tuple[str, str] | None:
    """The line that follows the last frame, whatever the exception is called, with the further lines of its message."""
    frames = list(_PYTHON_FRAME.finditer(text))
    found = _PYTHON_RAISED.search(text, frames[-1].end()) if frames else None
    if found is None:
        return None
    message = " ".join(line.strip() for line in (found["message"] or "").splitlines())
    return found["type"], message[:_LONGEST]


def _printed(raised: tuple[str, str]) -> str:
    return f"{raised[0]}: {raised[1]}".rstrip(": ")


def _choose(frames: list[str]) -> str:
    own = next((frame for frame in frames if not _LIBRARY.search(frame)), "")
    return own or (frames[0] if frames else "")
