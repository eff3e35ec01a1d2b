"""A readonly source runs queries and nothing else, whatever the database would allow."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy.engine import URL

from contracts.connector_contract import no_access
from jupyter_etl.errors import DeclarationError, SourceError
from jupyter_etl.model import Source
from jupyter_etl.ports import ReadRequest
from jupyter_etl.sources.sql.catalogue import server_rights
from jupyter_etl.sources.sql.connector import SqlConnector
from jupyter_etl.sources.sql.readonly import refuse_writes
from jupyter_etl.sources.sql.statements import parse_statement
from jupyter_etl.sources.sql.target import SqlTarget


def check(backend: str, sql: str, *, readonly: bool = True) -> None:
    target = SqlTarget(name="wh", url=URL.create(backend), readonly=readonly, password="")
    refuse_writes(target, parse_statement(sql, (), target.backend))


ANY = [
    "INSERT INTO t VALUES (1)",
    "/* x */ -- y\n delete from t",
    "UPDATE t SET a = 1",
    "MERGE INTO t USING s ON true WHEN MATCHED THEN DELETE",
    "CREATE TABLE o AS SELECT 1",
    "DROP TABLE t",
    "TRUNCATE t",
    "CALL f()",
    "SET x = 1",
    "BEGIN",
    "COMMIT",
    "SELECT 1; DELETE FROM t",
    "WITH d AS (DELETE FROM t RETURNING *) SELECT * FROM d",
    "WITH d AS MATERIALIZED (INSERT INTO t VALUES (1) RETURNING *) TABLE d",
    "WITH a AS (SELECT 1), d AS NOT MATERIALIZED (/* x */ UPDATE t SET a = 1 RETURNING a) SELECT 1",
    "WITH a AS (WITH b AS (DELETE FROM t RETURNING *) SELECT * FROM b) SELECT * FROM a",
    "WITH a AS (SELECT 1) INSERT INTO t SELECT * FROM a",
    "SELECT * INTO o FROM t",
    "(SELECT 1) UNION (SELECT 2 INTO o)",
    "SELECT * FROM t FOR UPDATE",
    "SELECT * FROM t FOR NO KEY UPDATE",
    "SELECT * FROM t FOR /* x */ SHARE",
    "EXPLAIN ANALYZE DELETE FROM t",
    "EXPLAIN INSERT INTO t VALUES (1)",
    "EXPLAIN ANALYZE VERBOSE CREATE TABLE o AS SELECT 1",
    "GRANT ALL ON t TO bob",
]

OF_ONE = {
    "postgresql": [
        "COPY t TO '/tmp/x'",
        "COPY (SELECT 1) TO PROGRAM 'touch /tmp/x'",
        "copy t from '/etc/passwd'",
        "DO $$ BEGIN DELETE FROM t; END $$",
        "EXECUTE p",
        "EXPLAIN (ANALYZE, BUFFERS) DELETE FROM t",
        "EXPLAIN (FORMAT JSON) EXECUTE p",
        "PREPARE p AS DELETE FROM t",
        "DECLARE c CURSOR FOR SELECT 1",
        "LOCK TABLE t",
        "NOTIFY x",
        "VACUUM",
        "REFRESH MATERIALIZED VIEW m",
        "SELECT pg_read_file('/etc/passwd')",
        "SELECT pg_catalog . pg_read_binary_file /* x */ ('/etc/passwd')",
        "SELECT pg_catalog.\"pg_read_file\"('/etc/passwd')",
        r"""SELECT U&"pg\005fread_file"('/etc/passwd')""",
        "SELECT * FROM PG_LS_DIR('/')",
        "SELECT lo_export(1, '/tmp/x')",
        "SELECT lo_import('/etc/passwd')",
        "SELECT * FROM dblink('dbname=x', 'DELETE FROM t') AS d(a int)",
        "SELECT dblink_exec('DELETE FROM t')",
        "SELECT query_to_xml('DELETE FROM t', true, true, '')",
        "SELECT pg_terminate_backend(1)",
        "SELECT pg_reload_conf()",
        "SELECT set_config('transaction_read_only', 'off', false)",
        "SELECT 1 /* /* */ */ FROM t WHERE pg_read_file('x') = ''",
        "VALUES (pg_read_file('/etc/passwd'))",
        "SELECT * FROM ROWS FROM (pg_ls_dir('/'))",
        "SELECT heap_force_kill('t'::regclass, ARRAY['(0,1)']::tid[])",
        "SELECT pg_truncate_visibility_map('t')",
        "SELECT * FROM pg_background_launch('DELETE FROM t')",
    ],
    "mysql+pymysql": [
        "SELECT * FROM t INTO OUTFILE '/tmp/x'",
        "SELECT * FROM t INTO DUMPFILE '/tmp/x'",
        "TABLE t INTO OUTFILE '/tmp/x'",
        "SELECT load_file('/etc/passwd')",
        "SELECT `load_file`('/etc/passwd')",
        "SELECT 1 /*! INTO OUTFILE '/tmp/x' */",
        "SELECT 1 /*!50000 + 1 */",
        "SELECT '\\'' INTO OUTFILE '/tmp/x'",
        "REPLACE INTO t VALUES (1)",
        "LOAD DATA INFILE '/etc/passwd' INTO TABLE t",
        "DESC ANALYZE DELETE FROM t",
        "HANDLER t OPEN",
        "SELECT keyring_key_remove('k')",
        "SELECT group_replication_set_as_primary('x')",
        "ANALYZE DELETE FROM t",
    ],
    "sqlite": [
        "ATTACH '/tmp/x' AS y",
        "VACUUM INTO '/tmp/x'",
        "PRAGMA journal_mode = DELETE",
        "PRAGMA user_version",
        "SELECT load_extension('x')",
        "SELECT eval('DELETE FROM t')",
        "SELECT writefile('/tmp/x', 'y')",
        "EXPLAIN QUERY PLAN DELETE FROM t",
        "REPLACE INTO t VALUES (1)",
        "REINDEX",
    ],
    "duckdb": [
        "COPY t TO '/tmp/x.csv'",
        "INSTALL httpfs",
        "LOAD httpfs",
        "ATTACH '/tmp/x' AS y",
        "EXPORT DATABASE '/tmp/x'",
        "PRAGMA database_list",
        "SELECT * FROM read_csv('/etc/passwd')",
        "SELECT * FROM parquet_scan('/tmp/x')",
        "SELECT * FROM '/tmp/x.csv'",
        "SELECT 'a', b FROM t, '/tmp/x.csv'",
        "SELECT * FROM (t CROSS JOIN '/tmp/x.csv')",
        "SELECT * FROM ('/tmp/x.csv')",
        'SELECT * FROM "/tmp/x.csv"',
        'SELECT * FROM t AS a, "x.parquet"',
        'FROM "x.json.gz" SELECT a',
        'SELECT * FROM t WHERE a IN (FROM "x.csv")',
        "SELECT * FROM t JOIN LATERAL '/tmp/x.csv' ON true",
        "TABLE '/tmp/x.csv'",
        "SUMMARIZE '/tmp/x.csv'",
        "DESCRIBE '/tmp/x.csv'",
        "PIVOT '/tmp/x.csv' ON a USING sum(b)",
        "UNPIVOT 'x.csv' ON a",
        "WITH a AS (TABLE 'x.csv') SELECT 1",
        "FROM read_text('/etc/passwd')",
        "SELECT * FROM glob('/*')",
        "SELECT * FROM query('DROP TABLE t')",
    ],
    "mssql+pyodbc": [
        "SELECT 1 DROP TABLE t",
        "SELECT 1 EXEC xp_cmdshell 'x'",
        "SELECT * FROM OPENROWSET(BULK '/etc/passwd', SINGLE_CLOB) AS x",
        "SELECT * FROM OPENQUERY(other, 'DELETE FROM t')",
        "SELECT [a]]'] FROM t DELETE FROM t",
    ],
    "oracle": ["SELECT utl_http.request('http://x') FROM dual", "BEGIN f; END"],
    "clickhouse+native": ["SELECT * FROM file('/etc/passwd')", "SELECT * FROM url('http://x')"],
}

ALLOWED = {
    "postgresql": [
        "SELECT 1",
        "select 'COPY t TO x; DELETE', \"into\", $$ insert into $$ -- update",
        "(SELECT 1) UNION ALL (SELECT 2)",
        "WITH a AS (SELECT 1) SELECT * FROM a",
        "WITH RECURSIVE insert(i) AS (VALUES (1)) SELECT i AS into FROM insert",
        "VALUES (1)",
        "TABLE t",
        "SHOW server_version",
        "EXPLAIN SELECT 1",
        "EXPLAIN (ANALYZE, FORMAT JSON) WITH a AS (SELECT 1) SELECT * FROM a",
        "EXPLAIN ANALYZE VERBOSE (SELECT 1)",
        "SELECT (replace(a, 'b', 'c')), substring(a for 3), t.delete FROM t",
        "SELECT pg_read_file FROM t",
        "SELECT lo_get(1), now(), count(*) FILTER (WHERE a)",
        r"SELECT E'\'; DELETE FROM t' AS a",
    ],
    "mysql": [
        "SELECT (insert('abc', 1, 1, 'x')), a -- into outfile",
        "SHOW TABLES",
        "DESCRIBE t",
        "DESC SELECT 1",
        "EXPLAIN FORMAT=JSON SELECT 1",
        r"SELECT '\'; DELETE FROM t'",
    ],
    "sqlite": ["EXPLAIN QUERY PLAN SELECT 1", "SELECT * FROM pragma_table_info('t')"],
    "duckdb": [
        "FROM t SELECT a",
        "SUMMARIZE t",
        "DESCRIBE t",
        "SELECT a FROM t WHERE b IN ('x', 'y')",
        "SELECT 'x', 'y.csv' AS b FROM t, u WHERE a / 2 > 1 ORDER BY a, 'x'",
        "SELECT a FROM t JOIN u ON t.a IN ('x', 'y') AND b = ('z'), v",
        "SELECT a FROM (VALUES ('x', 'y'), ('z', 'w')) AS t(a, b)",
        "SELECT a FROM generate_series(1, 2), unnest(['x', 'y'])",
        'SELECT "x.csv", a FROM "my table"',
    ],
    "mssql+pyodbc": [
        "SELECT TOP 1 [delete] FROM t ORDER BY a OFFSET 1 ROWS FETCH NEXT 1 ROWS ONLY"
    ],
    "oracle": ["SELECT dbms_random.value() FROM dual", "EXPLAIN PLAN FOR SELECT 1 FROM dual"],
}


@pytest.mark.parametrize(
    ("backend", "sql"),
    [(backend, sql) for backend, some in OF_ONE.items() for sql in [*ANY, *some]],
)
def test_what_is_refused(backend: str, sql: str) -> None:
    with pytest.raises((SourceError, DeclarationError)) as caught:
        check(backend, sql)
    assert caught.value.hint
    assert not caught.value.retryable


@pytest.mark.parametrize(
    ("backend", "sql"), [(backend, sql) for backend, some in ALLOWED.items() for sql in some]
)
def test_what_is_allowed(backend: str, sql: str) -> None:
    check(backend, sql)


@pytest.mark.parametrize("sql", ["DELETE FROM t", "SELECT pg_read_file('x')", "COPY t TO '/x'"])
def test_a_source_that_is_not_readonly_runs_it(sql: str) -> None:
    check("postgresql", sql, readonly=False)


@pytest.mark.postgres
def test_postgres_writes_no_file_for_a_superuser(postgres_url: str, tmp_path: Path) -> None:
    source = Source(name="wh", kind="sql", location=postgres_url, readonly=True)
    tmp_path.chmod(0o777)
    for sql in (
        f"COPY (SELECT 1) TO '{tmp_path}/a'",
        f"COPY (SELECT 1) TO PROGRAM 'touch {tmp_path}/a'",
        "SELECT pg_read_file('PG_VERSION')",
    ):
        with pytest.raises(SourceError, match="is readonly"):
            SqlConnector().read(source, ReadRequest(query=sql), no_access()).batches.read_all()
    assert list(tmp_path.iterdir()) == []
    assert server_rights(source, no_access()) == "superuser"
