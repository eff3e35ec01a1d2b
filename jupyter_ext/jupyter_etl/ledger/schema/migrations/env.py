"""Run by alembic inside the transaction that `upgrade_schema` holds."""

from alembic import context

from jupyter_etl.ledger.schema.tables import VERSION_TABLE, metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    version_table=VERSION_TABLE,
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
