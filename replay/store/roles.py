"""Least privilege: what the application may do in the database, and nothing else."""

from __future__ import annotations

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

APPLICATION = "wattledger_application"

GRANTS = (
    "GRANT USAGE ON SCHEMA history TO {role}",
    "GRANT SELECT ON ALL TABLES IN SCHEMA history TO {role}",
    "GRANT INSERT ON history.events, history.commands, history.checkpoints, history.keys"
    " TO {role}",
    "GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA history TO {role}",
    # Tables that people look at are its own: it makes, fills and drops them.
    "GRANT CREATE ON DATABASE {database} TO {role}",
)


def application(database_url: str, role: str = APPLICATION) -> str:
    """
    Make the role of the application, if it is not there, and grant it what it may do.

    As the owner of the database, after `migrate`; safe to repeat.  Answers the URL under which
    the application connects: by the same way in, so a password, where one is needed, is set by
    whoever runs the server.
    """
    with psycopg.connect(database_url) as connection:
        connection.execute(
            "SELECT pg_advisory_xact_lock(hashtextextended('wattledger roles', 0))"
        )
        there = connection.execute(
            "SELECT 1 FROM pg_roles WHERE rolname = %s", (role,)
        ).fetchone()
        names = {
            "role": sql.Identifier(role),
            "database": sql.Identifier(connection.info.dbname),
        }
        if there is None:
            connection.execute(sql.SQL("CREATE ROLE {role} LOGIN").format(**names))
        for grant in GRANTS:
            connection.execute(sql.SQL(grant).format(**names))
    return make_conninfo(database_url, user=role)
