"""The parser of selectors and pipeline stages: everything of LogQL between `{` and a range."""

from __future__ import annotations

import re
from collections.abc import Callable

from autodevops.sandbox.loki.addresses import address_test
from autodevops.sandbox.loki.cursor import Cursor
from autodevops.sandbox.loki.json_path import parse_path
from autodevops.sandbox.loki.lexer import Token, syntax_error
from autodevops.sandbox.loki.pattern import compile_pattern, pattern_test
from autodevops.sandbox.loki.syntax import (
    Comparison,
    Decolorize,
    Drop,
    Ip,
    Json,
    Junction,
    Keep,
    LabelFilter,
    LabelFormat,
    LineFilter,
    LineFormat,
    Logfmt,
    LogQLError,
    Matcher,
    Path,
    Pattern,
    Predicate,
    Regexp,
    Stage,
    Unpack,
    Unwrap,
)
from autodevops.sandbox.loki.template import compile_template
from autodevops.sandbox.wire.go import compile_regex, parse_bytes, parse_duration

_COMPARISONS = ("=", "==", "!=", "=~", "!~", ">", ">=", "<", "<=")
EMPTY_SELECTOR = (
    "parse error : queries require at least one regexp or equality matcher that does not have an empty-compatible "
    'value. For instance, app=~".*" does not meet this requirement, but app=~".+" will'
)


class StageParser(Cursor):
    def selector(self, *, allow_empty: bool = False) -> tuple[Matcher, ...]:
        self._expect("{")
        matchers: list[Matcher] = []
        while not self._at("}"):
            matchers.append(self._matcher())
            if not self._at("}"):
                if not self._at(","):
                    raise syntax_error(self._next, "} or ,")
                self._advance()
        self._advance()
        if not allow_empty and not any(_requires_a_value(matcher) for matcher in matchers):
            raise LogQLError(EMPTY_SELECTOR)
        return tuple(matchers)

    def _matcher(self, name: str = "") -> Matcher:
        name = name or self._identifier()
        operator = self._next
        if not self._at("=", "!=", "=~", "!~"):
            raise syntax_error(operator, "= or != or =~ or !~")
        self._advance()
        value = self._string()
        if operator.text in ("=~", "!~"):
            _check_regex(operator, value)
        return Matcher(name, operator.text, value)  # type: ignore[arg-type]

    def stages(self, *, unwrap: bool = False) -> tuple[Stage, ...]:
        stages: list[Stage] = []
        while True:
            token = self._next
            if self._at("|=", "|~", "!=", "!~", "|>", "!>") and not self._is_comparison(token):
                stages.append(self._line_filter())
            elif self._accept("|"):
                stages.append(self._stage(unwrap))
            else:
                return tuple(stages)

    def _is_comparison(self, token: Token) -> bool:
        """`!=` after a log range belongs to a comparison of metrics unless a string follows it."""
        following = self._tokens[min(self._position + 1, len(self._tokens) - 1)]
        return token.text == "!=" and following.kind != "string" and following.text != "ip"

    def _line_filter(self) -> LineFilter:
        operator = self._advance()
        values = [self._line_match(operator)]
        while self._accept("or"):
            values.append(self._line_match(operator))
        return LineFilter(operator.text, tuple(values))  # type: ignore[arg-type]

    def _line_match(self, operator: Token) -> str | Ip:
        token = self._next
        if self._at("ip"):
            if operator.text not in ("|=", "!="):
                raise _failure(operator, "ip: invalid operation")
            return self._ip()
        value = self._string()
        if operator.text in ("|~", "!~"):
            _check_regex(operator, value)
        elif operator.text in ("|>", "!>"):
            _checked(token, pattern_test, value)
        return value

    def _ip(self) -> Ip:
        self._advance()
        self._expect("(")
        token = self._next
        pattern = self._string()
        _checked(token, address_test, pattern)
        self._expect(")")
        return Ip(pattern)

    def _stage(self, unwrap: bool) -> Stage:
        token = self._next
        if token.kind != "identifier" and not self._at("("):
            raise syntax_error(token, "a parser, a label filter or a formatter")
        following = self._tokens[self._position + 1] if token.kind == "identifier" else token
        if following.kind == "operator" and following.text in _COMPARISONS:
            return LabelFilter(self._predicate())
        match token.text:
            case "json":
                self._advance()
                return Json(tuple((label, self._path(at, path)) for label, path, at in self._extractions()))
            case "logfmt":
                self._advance()
                return self._logfmt()
            case "unpack":
                self._advance()
                return Unpack()
            case "decolorize":
                self._advance()
                return Decolorize()
            case "regexp":
                self._advance()
                return self._regexp(token)
            case "pattern":
                self._advance()
                return self._pattern(token)
            case "line_format":
                self._advance()
                return LineFormat(self._template("line template"))
            case "label_format":
                self._advance()
                return self._label_format()
            case "drop" | "keep":
                self._advance()
                matchers = self._drop_keep()
                return Drop(matchers) if token.text == "drop" else Keep(matchers)
            case "unwrap":
                if not unwrap:
                    raise syntax_error(token)
                self._advance()
                return self._unwrap()
        return LabelFilter(self._predicate())

    def _logfmt(self) -> Logfmt:
        flags: set[str] = set()
        while self._next.kind == "flag":
            flag = self._advance()
            if flag.text not in ("--strict", "--keep-empty"):
                raise syntax_error(flag)
            flags.add(flag.text)
        fields = tuple((label, key) for label, key, _ in self._extractions())
        return Logfmt(fields, "--strict" in flags, "--keep-empty" in flags)

    def _extractions(self) -> list[tuple[str, str, Token]]:
        """(label, expression, where it stands) of `json a="b.c", d`."""
        fields: list[tuple[str, str, Token]] = []
        if self._next.kind != "identifier":
            return fields
        while True:
            token = self._next
            label = self._identifier()
            fields.append((label, self._string() if self._accept("=") else label, token))
            if not self._accept(","):
                return fields

    @staticmethod
    def _path(token: Token, expression: str) -> Path:
        try:
            return parse_path(expression)
        except ValueError as error:
            raise _failure(token, f"cannot parse expression [{expression}]: {error}") from error

    def _regexp(self, token: Token) -> Regexp:
        value = self._string()
        compiled = _check_regex(token, value)
        if not compiled.groupindex:
            raise _failure(token, "at least one named capture must be supplied")
        return Regexp(value)

    def _pattern(self, token: Token) -> Pattern:
        value = self._string()
        _checked(token, compile_pattern, value)
        return Pattern(value)

    def _template(self, kind: str) -> str:
        token = self._next
        value = self._string()
        try:
            compile_template(value)
        except ValueError as error:
            raise _failure(token, f"invalid {kind}: {error}") from error
        return value

    def _label_format(self) -> LabelFormat:
        assignments: dict[str, tuple[str, bool]] = {}
        while True:
            token = self._next
            name = self._identifier()
            self._expect("=")
            if name == "__error__":
                raise _failure(token, "__error__ cannot be formatted")
            if name in assignments:
                raise _failure(token, f"multiple label name '{name}' not allowed in a single format operation")
            if self._next.kind == "identifier":
                assignments[name] = (self._identifier(), True)
            else:
                assignments[name] = (self._template(f"template for label '{name}'"), False)
            if not self._accept(","):
                return LabelFormat(tuple((name, *how) for name, how in assignments.items()))

    def _drop_keep(self) -> tuple[Matcher | str, ...]:
        matchers: list[Matcher | str] = []
        while True:
            name = self._identifier()
            matchers.append(self._matcher(name) if self._at("=", "!=", "=~", "!~") else name)
            if not self._accept(","):
                return tuple(matchers)

    def _unwrap(self) -> Unwrap:
        token = self._next
        name = self._identifier()
        if not self._accept("("):
            return Unwrap(name)
        if name not in ("duration", "duration_seconds", "bytes"):
            raise syntax_error(token, "duration, duration_seconds or bytes")
        label = self._identifier()
        self._expect(")")
        return Unwrap(label, name)  # type: ignore[arg-type]

    # --- label filters ---

    def _predicate(self) -> Predicate:
        left = self._conjunction()
        while self._accept("or"):
            left = Junction("or", left, self._conjunction())
        return left

    def _conjunction(self) -> Predicate:
        left = self._comparison()
        while self._accept("and") or self._accept(",") or self._begins_comparison():
            left = Junction("and", left, self._comparison())
        return left

    def _begins_comparison(self) -> bool:
        """Two filters side by side are both asked for."""
        return self._at("(") or (self._next.kind == "identifier" and not self._at("or", "offset"))

    def _comparison(self) -> Predicate:
        if self._accept("("):
            inner = self._predicate()
            self._expect(")")
            return inner
        name = self._identifier()
        operator = self._next
        if not self._at(*_COMPARISONS):
            raise syntax_error(operator, "a comparison such as = or >")
        self._advance()
        if self._at("ip") and operator.text in ("=", "!="):
            return Comparison(name, operator.text, self._ip(), "ip")
        sign = -1 if self._accept("-") else 1
        token = self._advance()
        if token.kind == "string" and sign == 1:
            if operator.text in ("=~", "!~"):
                _check_regex(operator, token.value)
            elif operator.text not in ("=", "!="):
                raise syntax_error(token, "NUMBER, DURATION or BYTES")
            return Comparison(name, operator.text, token.value, "string")
        if operator.text in ("=~", "!~"):
            raise syntax_error(token, "STRING")
        operation = "==" if operator.text == "=" else operator.text
        match token.kind:
            case "number":
                return Comparison(name, operation, sign * float(token.text), "number")
            case "duration":
                return Comparison(name, operation, float(sign * parse_duration(token.text)), "duration")
            case "bytes":
                return Comparison(name, operation, float(sign * parse_bytes(token.text)), "bytes")
        raise syntax_error(token, "STRING, NUMBER, DURATION or BYTES")


def _requires_a_value(matcher: Matcher) -> bool:
    match matcher.op:
        case "=":
            return matcher.value != ""
        case "=~":
            return compile_regex(matcher.value).fullmatch("") is None
    return False


def _failure(token: Token, problem: str) -> LogQLError:
    return LogQLError(f"parse error at line {token.line}, col {token.column}: {problem}")


def _checked(token: Token, compile_text: Callable[[str], object], text: str) -> None:
    try:
        compile_text(text)
    except ValueError as error:
        raise _failure(token, str(error)) from error


def _check_regex(token: Token, pattern: str) -> re.Pattern[str]:
    _checked(token, compile_regex, pattern)
    return compile_regex(pattern)
