"""Least privilege: what the application may do in the database, and nothing else."""

from __future__ import annotations

from collections.abc import Collection

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


OTHERS = (
    "WITH mine AS (SELECT oid, rolname FROM pg_roles WHERE rolname = %s)"
    " SELECT format('ALTER SCHEMA %%I OWNER TO %%I', nspname, rolname)"
    " FROM pg_namespace, mine WHERE nspname = ANY (%s) AND nspowner <> mine.oid"
    " UNION ALL SELECT format('ALTER TABLE %%I.%%I OWNER TO %%I', nspname, relname, rolname)"
    " FROM mine, pg_class AS c JOIN pg_namespace AS n ON n.oid = relnamespace"
    " WHERE nspname = ANY (%s) AND relkind = 'r' AND relowner <> mine.oid"
)


def application(
    database_url: str, schemas: Collection[str] = (), role: str = APPLICATION
) -> str:
    """
    Make the role of the application, if it is not there, and grant it what it may do.

    What is in `schemas`, the tables people look at, becomes its own, whoever made it: before
    there was the role, the owner of the database did.

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
        others = connection.execute(OTHERS, (role, [*schemas], [*schemas]))
        for (statement,) in others.fetchall():
            connection.execute(statement)
    return make_conninfo(database_url, user=role)
