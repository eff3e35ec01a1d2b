"""The statements that a read-only source rejects: everything but queries.

A read-only transaction is not enough. In PostgreSQL it lets a superuser write files and start
programs with COPY and with functions, and other databases have similar statements and functions.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from difflib import get_close_matches
from itertools import pairwise
from typing import NoReturn

from jupyter_etl.errors import SourceError
from jupyter_etl.sources.sql.statements import TEXT, Statement, words_of
from jupyter_etl.sources.sql.target import SqlTarget

POSTGRES_READONLY = ("SET TRANSACTION READ ONLY", "SET LOCAL standard_conforming_strings = on")
"""Starts a read-only transaction in which strings have the syntax that `spans_of` expects."""

_QUERIES = frozenset({"select", "with", "values", "table"})
_DESCRIBE = frozenset({"describe", "desc"})
_OPTIONS = frozenset(
    [
        "analyze", "analyse", "verbose", "extended", "partitions", "query", "plan", "format", "=",
        "json", "tree", "traditional", "text", "xml", "yaml", "graphviz", "formatted", "codegen",
        "cost", "pipeline", "ast", "syntax", "for",
    ]
)  # fmt: skip
"""Words allowed between EXPLAIN and the statement, in addition to options in brackets."""

_CHANGES = frozenset({"insert", "update", "delete", "merge", "replace"})
_BATCH = frozenset(
    [
        "insert", "update", "delete", "merge", "drop", "create", "alter", "truncate", "exec",
        "execute", "grant", "revoke", "deny", "backup", "restore", "dbcc", "kill", "shutdown",
        "bulk", "use", "set", "declare", "begin", "commit", "rollback", "waitfor", "reconfigure",
        "save", "writetext", "updatetext", "print", "raiserror", "deallocate", "throw",
    ]
)  # fmt: skip
"""Reserved words of SQL Server, which does not require a semicolon between statements."""

_TEXTUAL = frozenset({"insert", "replace"})
"""Reserved words that are also names of functions."""

_LOCKS = frozenset({"update", "share", "no", "key"})

_FUNCTIONS: dict[str, str] = {
    "postgresql": (
        # Files, large objects, write-ahead log, the server's processes and settings.
        r"pg_read_.*|pg_ls_.*|pg_stat_file|pg_file_.*|pg_logdir_ls|lo_(?!get$).*|lowrite|loread"
        r"|pg_(?:terminate|cancel)_backend|pg_reload_conf|pg_rotate_logfile.*|pg_promote"
        r"|pg_switch_(?:wal|xlog)|pg_create_.*|pg_drop_.*|pg_copy_.*|pg_advance_.*|pg_logical_.*"
        r"|pg_replication_.*|pg_wal_replay_.*|pg_(?:start|stop)_backup|pg_backup_.*|pg_log_.*"
        r"|pg_import_system_collations|pg_notify|pg_(?:try_)?advisory_.*"
        r"|pg_stat_(?:statements_)?reset.*|pg_extension_config_dump|set_config|binary_upgrade_.*"
        # Executes a string, which is not parsed here.
        r"|dblink.*|postgres_fdw_.*|query_to_.*|cursor_to_.*|table_to_xml.*|schema_to_xml.*"
        r"|database_to_xml.*|crosstab.*|connectby|xpath_table|ts_stat|ts_rewrite|http.*|aws_.*"
        r"|pg_background_.*|plpgsql_.*"
        # Changes tables or statistics outside the transaction.
        r"|heap_force_.*|pg_truncate_.*|pg_restore_.*|pg_clear_.*|pg_sync_.*"
    ),
    "mysql": r"load_file|sys_exec|sys_eval|sys_set|get_lock|release_.*lock.*|nextval|setval"
    r"|master_.*|source_pos_wait|keyring_.*|group_replication_.*|asynchronous_connection_.*"
    r"|audit_(?:log|api)_.*|(?:mysql_)?firewall_.*|version_tokens_.*|service_.*|rotate_system_key",
    "sqlite": r"load_extension|readfile|writefile|edit|eval|fts3_tokenizer|lsdir|fsdir|zipfile|sqlar_.*",
    "duckdb": (
        r"read_.*|\w*_scan|(?:postgres|mysql|sqlite|odbc|mssql|bigquery|snowflake)_.*|sniff_csv|glob"
        r"|parquet_.*|st_read.*|st_drivers|load_aws_credentials|query|query_table|nextval|getenv"
        r"|write_.*|http_.*|(?:force_)?checkpoint"
    ),
    "mssql": r"openrowset|openquery|opendatasource|openxml|xp_.*|sp_.*|fn_(?:dump_dblog|trace_.*)",
    "oracle": r"utl_.*|dbms_(?!random|lob).*|(?:sys\.)?(?:utl_|dbms_(?!random|lob)).*|httpuritype|bfilename",
    "clickhouse": (
        r"file|url|remote(?:secure)?|mysql|postgresql|mongodb|jdbc|odbc|hdfs.*|s3.*|gcs|azure.*"
        r"|executable|sqlite|redis|input|sleep.*|cluster.*|iceberg.*|delta.*|hudi"
    ),
    "snowflake": r"system\$.*",
}
"""Functions, by database, that bypass the transaction, read files or execute text as SQL."""

_BEFORE_TABLES = frozenset(
    ["from", "join", "table", "summarize", "describe", "desc", "show", "pivot", "unpivot", "lateral", ",", "("]
)  # fmt: skip
_BEHIND_TABLES = frozenset(
    ["select", "values", "where", "group", "having", "window", "qualify", "order", "limit", "offset"]
)  # fmt: skip
_FILE = re.compile(
    r"""(?i)"(?:.*/.*|.*\.(?:csv|tsv|txt|json|jsonl|ndjson|parquet|xlsx?|arrows?|ipc|feather|avro|shp)"""
    r"""(?:\.\w+)?)\""""
)
"""A quoted name that DuckDB may interpret as a path or URL."""

_SAME = {"mariadb": "mysql", "redshift": "postgresql", "cockroachdb": "postgresql"}
_SAME |= {"clickhousedb": "clickhouse", "postgres": "postgresql"}


def refuse_writes(target: SqlTarget, statement: Statement) -> None:
    """Reject statements other than queries if the source is read-only.

    Allowed are SELECT, WITH, VALUES, TABLE and EXPLAIN of those, SHOW, DESCRIBE if the database has
    it, and FROM, PIVOT and SUMMARIZE of DuckDB.

    Raises:
        SourceError: The statement writes or may write, or calls a function that does.
    """
    if not target.readonly:
        return
    words = words_of(statement)
    backend = _SAME.get(target.backend, target.backend)
    _refuse_verb(target, words, backend)
    if any(pair == ("/", "*") for pair in pairwise(words)):
        _refuse(target, "A comment that is executed")
    for before, word, after in zip(["", *words], words, [*words[1:], ""], strict=False):
        if before in {"as", "."}:
            continue
        if word == "into" or (backend == "mssql" and word in _BATCH):
            _refuse(target, word.upper())
        if before in {"(", ")"} and word in _CHANGES and (after != "(" or word not in _TEXTUAL):
            _refuse(target, word.upper())
        if before == "for" and word in _LOCKS:
            _refuse(target, f"FOR {word.upper()}")
    _refuse_functions(target, words, backend)
    if backend == "duckdb":
        _refuse_files(target, words)


def _refuse_files(target: SqlTarget, words: Sequence[str]) -> None:
    """Reject table names that DuckDB reads as files: strings, or names like those of files."""
    # For each open bracket, whether its words are in a FROM clause.
    among_tables = [False]
    for before, word in zip(["", *words], words, strict=False):
        if word == "(":
            among_tables.append(among_tables[-1] and before in _BEFORE_TABLES)
        elif word == ")" and len(among_tables) > 1:
            among_tables.pop()
        elif word == "from":
            among_tables[-1] = True
        elif word in _BEHIND_TABLES:
            among_tables[-1] = False
        names_table = before in _BEFORE_TABLES - {",", "("} or (
            among_tables[-1] and before in {",", "("}
        )
        if names_table and (word == TEXT or _FILE.fullmatch(word)):
            _refuse(target, "A file in place of a table")


def _refuse_functions(target: SqlTarget, words: Sequence[str], backend: str) -> None:
    pattern = re.compile(_FUNCTIONS.get(backend, r"(?!)"))
    path: list[str] = []
    for before, word, after in zip(["", *words], words, [*words[1:], ""], strict=False):
        if backend == "postgresql" and before == "&" and word.startswith('"'):
            _refuse(target, "A name with escapes (U&)")
        path = [*path, word] if "." in {before, word} else [word]
        name = "".join(part.strip('"`[]').lower() for part in path)
        if after == "(" and any(map(pattern.fullmatch, (name, name.rpartition(".")[2]))):
            _refuse(target, f"The function {name}")


def _refuse_verb(target: SqlTarget, words: Sequence[str], backend: str) -> None:
    allowed = _QUERIES | (
        {"from", "pivot", "unpivot", "summarize"} if backend == "duckdb" else set()
    )
    rest = _without_brackets(words)
    verb = rest[0] if rest else ""
    if verb == "show":
        return
    if verb == "explain" or verb in _DESCRIBE:
        rest = _explained(rest[1:])
        inner = rest[0] if rest else ""
        if inner in allowed or (verb in _DESCRIBE and inner not in _CHANGES):
            return
        _refuse(target, f"{verb.upper()} {inner.upper()}".strip())
    if verb not in allowed:
        meant = get_close_matches(verb, allowed, n=1, cutoff=0.8)
        if meant:
            raise SourceError(
                f"Source {target.name!r}: syntax error at {verb.upper()}.",
                hint=f"Did you mean {meant[0].upper()}?",
                retryable=False,
            )
        _refuse(target, verb.upper())


def _without_brackets(words: Sequence[str]) -> Sequence[str]:
    start = next((n for n, word in enumerate(words) if word != "("), len(words))
    return words[start:]


def _explained(words: Sequence[str]) -> Sequence[str]:
    """Return the explained statement, without the options of EXPLAIN."""
    if words[:1] == ["("] and words[1:2] and words[1] not in _QUERIES | {"("}:
        end = next((n for n, word in enumerate(words) if word == ")"), len(words))
        words = words[end + 1 :]
    start = next((n for n, word in enumerate(words) if word not in _OPTIONS), len(words))
    return _without_brackets(words[start:])


def _refuse(target: SqlTarget, what: str) -> NoReturn:
    raise SourceError(
        f"Source {target.name!r} is readonly: {what} is not allowed.",
        hint="A readonly source runs SELECT, WITH, VALUES, TABLE, SHOW, and EXPLAIN of a query, and "
        "reads no files of the server. Quote a name that is spelled like a statement.",
        retryable=False,
    )
