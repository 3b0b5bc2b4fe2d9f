"""Where Alembic runs the steps: on the connection that `bot/sql/schema.py` gives it, in that connection's transaction.

A developer's own `alembic -x url=sqlite:///signoff.db revision --autogenerate` comes with a URL instead.
"""

from alembic import context
from sqlalchemy import Connection, create_engine

from bot.sql.tables import metadata


def run(connection: Connection) -> None:
    sqlite = connection.dialect.name == "sqlite"
    context.configure(connection=connection, target_metadata=metadata, compare_type=True, render_as_batch=sqlite)
    with context.begin_transaction():
        context.run_migrations()


given = context.config.attributes.get("connection")
if given is not None:
    run(given)
else:
    with create_engine(context.get_x_argument(as_dictionary=True)["url"]).begin() as opened:
        run(opened)
