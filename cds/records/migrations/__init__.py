"""The store's schema as a list of changes, run by Alembic when the service starts."""
