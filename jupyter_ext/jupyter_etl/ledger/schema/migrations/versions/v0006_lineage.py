"""What runs read, found by run and by source; where the columns of outputs come from."""

import json
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")
_MOST = 500
_BATCH = 500


def upgrade() -> None:
    reads = op.create_table(
        "run_reads",
        sa.Column("run_id", _ID, nullable=False, autoincrement=False),
        sa.Column("place", sa.Integer, nullable=False, autoincrement=False),
        sa.Column("pipeline", sa.Text, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("relation", sa.Text, nullable=False),
        sa.Column("version", sa.Text, nullable=False),
        sa.Column("rows", sa.BigInteger),
        sa.Column("bytes", sa.BigInteger),
        sa.PrimaryKeyConstraint("run_id", "place", name="pk_run_reads"),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name="fk_run_reads_run_id"),
    )
    op.create_table(
        "column_origins",
        sa.Column("run_id", _ID, nullable=False, autoincrement=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("origins", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("run_id", "name", name="pk_column_origins"),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name="fk_column_origins_run_id"),
    )
    _take_over(reads)
    op.create_index("ix_run_reads_source", "run_reads", ["source", "pipeline", "run_id"])


def _take_over(reads: sa.Table) -> None:
    """Enter what earlier runs have said in their own rows."""
    connection = op.get_bind()
    query = (
        "SELECT id, pipeline, reads FROM runs WHERE id > :after AND state = 'succeeded'"
        " AND NOT draft AND reads <> '[]' ORDER BY id LIMIT :most"
    )
    after = 0
    while found := connection.execute(sa.text(query), {"after": after, "most": _BATCH}).all():
        after = found[-1].id
        rows = [row for run in found for row in _rows(run.id, run.pipeline, json.loads(run.reads))]
        if rows:
            connection.execute(sa.insert(reads), rows)


def _rows(run_id: int, pipeline: str, said: list[dict[str, Any]]) -> list[dict[str, Any]]:
    found: dict[tuple[str, str, str], dict[str, Any]] = {}
    for read in said:
        key = read["source"], read.get("table", ""), read.get("version", "")
        one = found.get(key)
        if one is None and len(found) == _MOST:
            continue
        if one is None:
            found[key] = {
                "run_id": run_id,
                "place": len(found),
                "pipeline": pipeline,
                "source": key[0],
                "relation": key[1],
                "version": key[2],
                "rows": read.get("rows"),
                "bytes": read.get("bytes"),
            }
            continue
        for name in ("rows", "bytes"):
            more = read.get(name)
            one[name] = None if one[name] is None or more is None else one[name] + more
    return list(found.values())


def downgrade() -> None:
    op.drop_table("column_origins")
    op.drop_table("run_reads")
