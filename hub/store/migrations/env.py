"""What alembic runs: the revisions, over the connection that `hub.store.schema` hands in."""

from alembic import context

from hub.store.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    # SQLite cannot change a column in place; alembic then copies the table.
    render_as_batch=True,
    transactional_ddl=True,
)
context.run_migrations()
