"""The schema's history: alembic revisions, run when a store is opened."""
