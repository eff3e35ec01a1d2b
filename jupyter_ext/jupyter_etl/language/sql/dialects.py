"""Lexical rules of SQL dialects: strings, quoted names and comments."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import cache


@dataclass(frozen=True, kw_only=True)
class Dialect:
    """The rules of a dialect that determine where a string, name or comment ends.

    Args:
        backslash: Whether a backslash escapes a quote in every string.
        escape_strings: Whether it does in ``E'...'``.
        raw_strings: Whether ``r'...'`` has no escapes.
        dollar: Whether ``$tag$ ... $tag$`` is a string.
        triple: Whether three quotes start a string.
        q_quotes: Whether ``q'[...]'`` is a string.
        double_is_text: Whether double quotes enclose a string rather than a name.
        backticks: Whether backticks quote names.
        brackets: Whether square brackets quote names.
        name_backslash: Whether a backslash escapes in quoted names.
        hashes: Whether ``#`` starts a comment.
        slashes: Whether ``//`` does.
        dashes_need_blank: Whether ``--`` does only before white space.
        nested: Whether ``/* */`` comments nest.
        executed: Whether the content of ``/*! */`` is code.
        mark: The opening quotation mark that unambiguously quotes names.
    """

    backslash: bool = False
    escape_strings: bool = False
    raw_strings: bool = False
    dollar: bool = False
    triple: bool = False
    q_quotes: bool = False
    double_is_text: bool = False
    backticks: bool = False
    brackets: bool = False
    name_backslash: bool = False
    hashes: bool = False
    slashes: bool = False
    dashes_need_blank: bool = False
    nested: bool = False
    executed: bool = False
    mark: str = '"'


_STANDARD = Dialect()
_POSTGRES = Dialect(escape_strings=True, dollar=True, nested=True)
_UNKNOWN = replace(_POSTGRES, backticks=True)
_MYSQL = Dialect(
    backslash=True, double_is_text=True, backticks=True, hashes=True, dashes_need_blank=True,
    executed=True, mark="`",
)  # fmt: skip
_SPARK = Dialect(backslash=True, raw_strings=True, double_is_text=True, backticks=True, mark="`")
_DIALECTS: dict[str, Dialect] = {
    **dict.fromkeys(("postgresql", "postgres", "redshift", "cockroachdb", "duckdb"), _POSTGRES),
    **dict.fromkeys(("mysql", "mariadb", "tidb", "starrocks", "doris"), _MYSQL),
    **dict.fromkeys(("databricks", "hive", "sparksql", "impala"), _SPARK),
    **dict.fromkeys(("mssql", "sybase"), Dialect(brackets=True, nested=True, mark="[")),
    **dict.fromkeys(("trino", "presto", "awsathena", "db2", "ibm_db_sa", "firebird"), _STANDARD),
    # SQLite reads an unknown name in double quotes as a string.
    "sqlite": Dialect(backticks=True, brackets=True, mark="`"),
    "oracle": Dialect(q_quotes=True),
    "bigquery": Dialect(
        backslash=True, raw_strings=True, triple=True, double_is_text=True, backticks=True,
        name_backslash=True, hashes=True, mark="`",
    ),
    "snowflake": Dialect(backslash=True, dollar=True, slashes=True),
    **dict.fromkeys(
        ("clickhouse", "clickhousedb"),
        Dialect(backslash=True, dollar=True, backticks=True, name_backslash=True, hashes=True,
                nested=True),
    ),
}  # fmt: skip

_OPENING = {'"': '"', "`": "`", "[": "]"}


def dialect_of(name: str) -> Dialect:
    """Return the rules of a dialect.

    Args:
        name: The scheme of a database URL: ``sqlite``, ``mysql+pymysql`` ...; unknown ones get
            the rules of PostgreSQL and DuckDB, with backticks.
    """
    return _DIALECTS.get(name.partition("+")[0].lower(), _UNKNOWN)


def quotation_marks(dialect: Dialect) -> tuple[str, str]:
    """Return the opening and closing quotation mark of names."""
    return dialect.mark, _OPENING[dialect.mark]


@cache
def pieces_of(dialect: Dialect, *, lines_of_checks: bool = False) -> re.Pattern[str]:
    """Compile the pattern of everything that is not code.

    Its groups are ``literal``, ``name``, ``comment`` (to the end of a line), ``block`` (the start
    of ``/*``), ``skip`` (code in which no quote starts) and ``open`` (an unclosed start).

    Args:
        lines_of_checks: Whether only ``#`` starts a comment.
    """
    texts: list[str] = []
    names: list[str] = []
    comments: list[str] = []
    if dialect.triple:
        texts += [r"(?<!\w)[rR]?(?P<three>'''|\"\"\")(?:\\.|(?!(?P=three)).)*(?P=three)"]
    if dialect.raw_strings:
        texts += [r"(?<!\w)[rR]'[^']*'", r'(?<!\w)[rR]"[^"]*"']
    if dialect.escape_strings:
        texts += [r"(?<![\w$])[eE]'(?:[^'\\]|\\.|'')*'"]
    if dialect.q_quotes:
        texts += [
            r"(?<![\w$\#])[nN]?[qQ]'(?:\[.*?\]|\{.*?\}|<.*?>|\(.*?\)|(?P<q>[^\s\[{<(]).*?(?P=q))'"
        ]
    if dialect.dollar:
        texts += [r"(?<![\w$])\$(?P<tag>(?:[^\W\d]\w*)?)\$.*?\$(?P=tag)\$"]
    texts += [_between("'", backslash=dialect.backslash)]
    (texts if dialect.double_is_text else names).append(
        _between(
            '"', backslash=(dialect.backslash and dialect.double_is_text) or dialect.name_backslash
        )
    )
    if dialect.backticks:
        names += [_between("`", backslash=dialect.name_backslash)]
    if dialect.brackets:
        # SQLite ends a name at the first one; a doubled one separates two names, which is not valid
        # code.
        names += [r"\[(?:[^\]]|\]\])*\]" if dialect.mark == "[" else r"\[[^\]]*\]"]
    if lines_of_checks:
        comments += [r"\#[^\n]*"]
    else:
        comments += [r"--(?=[\s\x00-\x1f]|\Z)[^\n]*" if dialect.dashes_need_blank else r"--[^\n]*"]
        comments += [r"\#[^\n]*"] if dialect.hashes else []
        comments += [r"//[^\n]*"] if dialect.slashes else []
    opened = "'" + '"' + ("`" if dialect.backticks else "") + (r"\[" if dialect.brackets else "")
    dollar = r"|(?<![\w$])\$(?:[^\W\d]\w*)?\$" if dialect.dollar else ""
    parts = [
        f"(?P<literal>{'|'.join(texts)})",
        f"(?P<name>{'|'.join(names) or r'(?!)'})",
        f"(?P<comment>{'|'.join(comments)})",
        *(() if lines_of_checks else (r"(?P<skip>/\*M?!\d*)",) if dialect.executed else ()),
        *(() if lines_of_checks else (r"(?P<block>/\*)",)),
        f"(?P<open>[{opened}]{dollar})",
    ]
    return re.compile("|".join(parts), re.DOTALL)


def _between(mark: str, *, backslash: bool) -> str:
    return (
        rf"{mark}(?:[^{mark}\\]|\\.|{mark}{mark})*{mark}"
        if backslash
        else (rf"{mark}(?:[^{mark}]|{mark}{mark})*{mark}")
    )
