-- The role of the application, and what it may do with a database as such (replay/roles.py).
SELECT count(*) = 0 AS missing FROM pg_roles WHERE rolname = 'wattledger_application' \gset
\if :missing
CREATE ROLE wattledger_application LOGIN;
\endif
GRANT CREATE ON DATABASE :"DBNAME" TO wattledger_application;
