"""Attempts record their time limit, and pipelines keep only one that somebody gave."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

# Until now the default was written out; an hour that was given looks the same.
_DEFAULT, _DERIVED = '"timeout_s":3600.0', '"timeout_s":null'
_TABLES = ("pipelines", "pipeline_versions")


def upgrade() -> None:
    op.add_column("attempts", sa.Column("timeout_s", sa.Float))
    _replace(_DEFAULT, _DERIVED)


def downgrade() -> None:
    _replace(_DERIVED, _DEFAULT)
    op.drop_column("attempts", "timeout_s")


def _replace(old: str, new: str) -> None:
    for name in _TABLES:
        policy = sa.column("policy", sa.Text)
        table = sa.table(name, policy)
        op.execute(table.update().values(policy=sa.func.replace(policy, old, new)))
