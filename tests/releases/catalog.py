"""
Everything that is in a database, one line a thing, so that two databases can be compared.

Of functions and of rows there is a hash; all else is told as Postgres would write it.  Nothing
here knows what the tables are about, nor what the database is called; of the roles of a server
only ours are told.
"""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256
from typing import Any, LiteralString

import psycopg
from psycopg import sql

OURS = "n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'"

LINES: tuple[LiteralString, ...] = (
    # The database itself, and who may do what in it.
    """SELECT concat_ws(' ', 'database', pg_encoding_to_char(encoding), datlocprovider,
        datlocale, datcollate, datctype, 'owner', datdba::regrole) FROM pg_database
        WHERE datname = current_database()""",
    """SELECT concat_ws(' ', 'database grant', unnest(datacl)) FROM pg_database
        WHERE datname = current_database()""",
    """SELECT concat_ws(' ', 'setting', unnest(setconfig)) FROM pg_db_role_setting
        WHERE setdatabase = (SELECT oid FROM pg_database WHERE datname = current_database())""",
    """SELECT concat_ws(' ', 'role', rolname, 'super', rolsuper, 'inherit', rolinherit,
        'createrole', rolcreaterole, 'createdb', rolcreatedb, 'login', rolcanlogin,
        'replication', rolreplication, 'bypass', rolbypassrls, 'limit', rolconnlimit,
        'set', rolconfig) FROM pg_roles WHERE rolname IN
        ('wattledger', 'wattledger_application')""",
    "SELECT concat_ws(' ', 'member', roleid::regrole, 'is', member::regrole)"
    " FROM pg_auth_members WHERE member::regrole::text ~ '^wattledger'",
    "SELECT concat_ws(' ', 'extension', extname, extversion) FROM pg_extension",
    # Schemas.
    "SELECT concat_ws(' ', 'schema', n.nspname, 'owner', n.nspowner::regrole)"
    " FROM pg_namespace AS n WHERE {ours}",
    "SELECT concat_ws(' ', 'schema grant', n.nspname, unnest(n.nspacl))"
    " FROM pg_namespace AS n WHERE {ours}",
    "SELECT concat_ws(' ', 'default grant', defaclrole::regrole, defaclnamespace::regnamespace,"
    " defaclobjtype, unnest(defaclacl)) FROM pg_default_acl",
    # Tables, indexes, sequences, views; types of their own.
    """SELECT concat_ws(' ', 'relation', c.oid::regclass, c.relkind, c.relpersistence, 'owner',
        c.relowner::regrole, 'by', a.amname, c.reloptions, 'row security', c.relrowsecurity,
        c.relforcerowsecurity, 'identity', c.relreplident)
        FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
        LEFT JOIN pg_am AS a ON a.oid = c.relam WHERE {ours}""",
    """SELECT concat_ws(' ', 'relation grant', c.oid::regclass, unnest(c.relacl))
        FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace WHERE {ours}""",
    """SELECT concat_ws(' ', 'column', c.oid::regclass, row_number() OVER (PARTITION BY c.oid
        ORDER BY a.attnum), a.attname, format_type(a.atttypid, a.atttypmod), 'collate',
        a.attcollation::regcollation, 'not null', a.attnotnull, 'default',
        pg_get_expr(d.adbin, d.adrelid), 'identity', a.attidentity, 'generated',
        a.attgenerated, 'stored', a.attstorage, a.attcompression, a.attstattarget, a.attoptions)
        FROM pg_attribute AS a JOIN pg_class AS c ON c.oid = a.attrelid
        JOIN pg_namespace AS n ON n.oid = c.relnamespace
        LEFT JOIN pg_attrdef AS d ON d.adrelid = c.oid AND d.adnum = a.attnum
        WHERE a.attnum > 0 AND NOT a.attisdropped AND {ours}""",
    """SELECT concat_ws(' ', 'column grant', c.oid::regclass, a.attname, unnest(a.attacl))
        FROM pg_attribute AS a JOIN pg_class AS c ON c.oid = a.attrelid
        JOIN pg_namespace AS n ON n.oid = c.relnamespace WHERE {ours}""",
    """SELECT concat_ws(' ', 'constraint', k.conrelid::regclass, k.conname,
        pg_get_constraintdef(k.oid), 'deferrable', k.condeferrable, k.condeferred,
        'enforced', k.conenforced, 'validated', k.convalidated, 'index', k.conindid::regclass)
        FROM pg_constraint AS k JOIN pg_namespace AS n ON n.oid = k.connamespace
        WHERE {ours}""",
    """SELECT concat_ws(' ', 'index', pg_get_indexdef(i.indexrelid), 'primary', i.indisprimary,
        'valid', i.indisvalid, 'clustered', i.indisclustered, 'identity', i.indisreplident)
        FROM pg_index AS i JOIN pg_class AS c ON c.oid = i.indexrelid
        JOIN pg_namespace AS n ON n.oid = c.relnamespace WHERE {ours}""",
    """SELECT concat_ws(' ', 'type', t.oid::regtype, t.typtype, 'owner', t.typowner::regrole,
        t.typacl) FROM pg_type AS t JOIN pg_namespace AS n ON n.oid = t.typnamespace
        WHERE t.typtype <> 'c' AND t.typelem = 0 AND {ours}""",
    "SELECT concat_ws(' ', 'rule', pg_get_ruledef(r.oid)) FROM pg_rewrite AS r JOIN pg_class"
    " AS c ON c.oid = r.ev_class JOIN pg_namespace AS n ON n.oid = c.relnamespace WHERE {ours}",
    """SELECT concat_ws(' ', 'policy', p.polrelid::regclass, p.polname, p.polcmd,
        pg_get_expr(p.polqual, p.polrelid)) FROM pg_policy AS p""",
    # Functions and triggers.
    """SELECT concat_ws(' ', 'function', p.oid::regprocedure, 'owner', p.proowner::regrole,
        encode(sha256(convert_to(pg_get_functiondef(p.oid), 'UTF8')), 'hex'))
        FROM pg_proc AS p JOIN pg_namespace AS n ON n.oid = p.pronamespace
        WHERE p.prokind IN ('f', 'p') AND {ours}""",
    """SELECT concat_ws(' ', 'function grant', p.oid::regprocedure, unnest(p.proacl))
        FROM pg_proc AS p JOIN pg_namespace AS n ON n.oid = p.pronamespace WHERE {ours}""",
    """SELECT concat_ws(' ', 'trigger', pg_get_triggerdef(t.oid), 'enabled', t.tgenabled)
        FROM pg_trigger AS t JOIN pg_class AS c ON c.oid = t.tgrelid
        JOIN pg_namespace AS n ON n.oid = c.relnamespace WHERE NOT t.tgisinternal AND {ours}""",
    "SELECT concat_ws(' ', 'event trigger', evtname, evtevent, evtfoid::regprocedure)"
    " FROM pg_event_trigger",
    # What is said about things.
    "SELECT concat_ws(' ', 'comment', (SELECT string_agg(part, ' ')"
    " FROM unnest((i).object_names) AS part), description)"
    " FROM (SELECT pg_identify_object_as_address(classoid, objoid, objsubid) AS i, description"
    " FROM pg_description WHERE objoid >= 16384) AS said",
    "SELECT concat_ws(' ', 'large objects', count(*)) FROM pg_largeobject_metadata",
)

TABLES: LiteralString = (
    "SELECT n.nspname, c.relname FROM pg_class AS c JOIN pg_namespace AS n"
    " ON n.oid = c.relnamespace WHERE c.relkind IN ('r', 'm') AND {ours} ORDER BY 1, 2"
)


def described(database_url: str) -> list[str]:
    """The lines of a database, in order; equal for databases that are equal."""
    with psycopg.connect(database_url, autocommit=True) as db:
        db.execute("SET search_path = ''; SET timezone = 'UTC'; SET datestyle = 'ISO'")
        found = [line for query in LINES for (line,) in db.execute(_of_ours(query)).fetchall()]
        return sorted(found) + list(_rows(db))


def _rows(db: psycopg.Connection[Any]) -> Iterator[str]:
    """How many rows each table has, and a hash of what they say."""
    for schema, table in db.execute(_of_ours(TABLES)).fetchall():
        said = sha256()
        count = 0
        query = sql.SQL('COPY (SELECT * FROM {} AS r ORDER BY r::text COLLATE "C") TO STDOUT')
        name = sql.Identifier(schema, table)
        with db.cursor() as cursor, cursor.copy(query.format(name)) as rows:
            for row in rows:
                said.update(bytes(row))
                count += 1
        yield f"rows {schema}.{table} {count} {said.hexdigest()}"


def _of_ours(query: LiteralString) -> bytes:
    return query.replace("{ours}", OURS).encode()
