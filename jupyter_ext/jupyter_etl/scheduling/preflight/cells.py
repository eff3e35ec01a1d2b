"""Checks of single cells: code that works in a session but not in a run, or behaves differently."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from jupyter_etl.scheduling.preflight.findings import Finding

_ROOTS = "home|Users|mnt|media|data|tmp|var|opt|srv|root|Volumes|scratch|etc"
_ABSOLUTE = re.compile(rf"(?:file://|sqlite:///)?/(?:{_ROOTS})/\S|[A-Za-z]:[\\/]\w|~/\w")
_MAGIC_PATH = re.compile(rf"(?m)^\s*%%?etl\s[^\n]*?\s(/(?:{_ROOTS})/[^\s\"']+|~/[^\s\"']+)")
_URL_PASSWORD = re.compile(r"[a-z][a-z0-9+.-]*://[^\s:/@'\"]*:(?![{$*<%])[^\s/@'\"{}<>]+@")
_KEYS = (
    (re.compile(r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"), "an AWS access key"),
    (re.compile(r"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----"), "a private key"),
    (re.compile(r"\bgh[pousr]_[A-Za-z0-9]{36,}\b"), "a GitHub token"),
    (re.compile(r"\bxox[abprs]-[A-Za-z0-9-]{10,}"), "a Slack token"),
    (re.compile(r"\bsk-[A-Za-z0-9_-]{20,}"), "an API key"),
)
_SECRET_NAME = re.compile(
    r"(?:^|_)(?:pass|passwd|password|pwd|secret|token|api_?key|access_?key|private_?key"
    r"|secret_?key|credentials?)$",
    re.IGNORECASE,
)
_PLACEHOLDER = re.compile(r"(?i)x+|\*+|change.?me|your.*|<.*>|\{.*\}|\$.*|none|null|todo.*")
_NOW = frozenset({"now", "utcnow", "today"})
_CLOCKS = frozenset({"datetime", "date", "Timestamp", "dt", "pendulum", "arrow"})
_SQL_NOW = re.compile(
    r"(?i)\b(?:current_date|current_timestamp|getdate\(\)|sysdate|now\(\)|today\(\))"
)
_USE_LOGICAL_AT = "Use etl.run.logical_at: a run that is repeated then sees the same time."


def scan_text(cell: int, text: str) -> Iterator[Finding]:
    """Find secrets in the text of any cell, in any language; the secret itself is not shown."""
    kinds = [kind for pattern, kind in _KEYS if pattern.search(text)]
    if _URL_PASSWORD.search(text):
        kinds.append("a URL with a password")
    for kind in kinds:
        yield Finding(
            severity="error",
            cell=cell,
            message=f"Cell {cell + 1} contains {kind}, which every reader of the notebook can see.",
            hint="Take it out, revoke it, and give its name: %etl source NAME URL --secret NAME.",
        )


def scan_magics(cell: int, text: str) -> Iterator[Finding]:
    """Find absolute paths and uses of the current time in the magics of a cell."""
    for path in dict.fromkeys(_MAGIC_PATH.findall(text)):
        yield _absolute(cell, path)
    head, _, query = text.lstrip().partition("\n")
    if re.match(r"%%(?:etl\s+)?sql\b", head) and (found := _SQL_NOW.search(query)):
        yield _now(cell, found[0])


def scan_code(cell: int, tree: ast.Module) -> Iterator[Finding]:
    """Find absolute paths, passwords, the current time and user input in the code of a cell."""
    paths = [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and "\n" not in node.value
        and _ABSOLUTE.match(node.value)
    ]
    for path in dict.fromkeys(paths):
        yield _absolute(cell, path)
    for name in dict.fromkeys(_secret_names(tree)):
        yield Finding(
            severity="warning",
            cell=cell,
            message=f"Cell {cell + 1} assigns text that looks like a secret to `{name}`.",
            hint="Keep it out of the notebook: %etl source NAME URL --secret NAME.",
        )
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    for call in dict.fromkeys(text for call in calls if (text := _present_time(call))):
        yield _now(cell, call)
    for call in dict.fromkeys(text for call in calls if (text := _question(call))):
        yield Finding(
            severity="error",
            cell=cell,
            message=f"Cell {cell + 1} calls {call}, but a run has no input.",
            hint="Declare a parameter instead: %etl param NAME TYPE = DEFAULT.",
        )


def _absolute(cell: int, path: str) -> Finding:
    shown = path if len(path) <= 60 else f"{path[:59]}…"
    return Finding(
        severity="warning",
        cell=cell,
        message=f"Cell {cell + 1} uses the absolute path '{shown}', which only this machine has.",
        hint="Use a path relative to the notebook, or declare a source: %etl source NAME PATH.",
    )


def _now(cell: int, call: str) -> Finding:
    message = f"Cell {cell + 1} uses {call}, so a run that is repeated later gives other results."
    return Finding(severity="warning", cell=cell, message=message, hint=_USE_LOGICAL_AT)


def _secret_names(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        pairs: list[tuple[str, ast.expr | None]] = []
        match node:
            case ast.Assign(targets=targets, value=value):
                pairs = [(_target_name(target), value) for target in targets]
            case ast.AnnAssign(target=target, value=value):
                pairs = [(_target_name(target), value)]
            case ast.keyword(arg=str(name), value=value):
                pairs = [(name, value)]
            case ast.Dict(keys=keys, values=values):
                pairs = [(_text_of(key), value) for key, value in zip(keys, values, strict=True)]
        for name, value in pairs:
            text = _text_of(value)
            if _SECRET_NAME.search(name) and len(text) >= 4 and not _PLACEHOLDER.fullmatch(text):
                yield name


def _target_name(target: ast.expr) -> str:
    match target:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
        case ast.Subscript(slice=ast.Constant(value=str(name))):
            return name
    return ""


def _text_of(value: ast.expr | None) -> str:
    return value.value if isinstance(value, ast.Constant) and isinstance(value.value, str) else ""


def _present_time(call: ast.Call) -> str:
    """Return the source of a call that reads the current time; "" for any other call."""
    function = call.func
    if not isinstance(function, ast.Attribute):
        return ""
    owner = function.value
    last = owner.attr if isinstance(owner, ast.Attribute) else getattr(owner, "id", "")
    if function.attr in _NOW and last in _CLOCKS:
        return f"{ast.unparse(function)}()"
    asks = [_text_of(argument) for argument in call.args[:1]]
    if function.attr in ("Timestamp", "to_datetime", "datetime64") and asks in (["now"], ["today"]):
        return ast.unparse(call)
    return ""


def _question(call: ast.Call) -> str:
    match call.func:
        case ast.Name(id="input" | "raw_input" | "getpass" as name):
            return f"{name}()"
        case ast.Attribute(value=ast.Name(id="getpass"), attr="getpass"):
            return "getpass.getpass()"
    return ""
