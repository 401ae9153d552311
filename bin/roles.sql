-- Run by a superuser on the database that later ones are copied from (template1), or on one database of
-- an existing server. Safe to repeat. psql variables: owner, owner_password, web, web_password.
SET client_min_messages = warning;
SELECT format('CREATE ROLE %I LOGIN', :'owner')
 WHERE NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = :'owner') \gexec
SELECT format('CREATE ROLE %I LOGIN', :'web')
 WHERE NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = :'web') \gexec
ALTER ROLE :"owner" WITH LOGIN CREATEDB NOSUPERUSER NOCREATEROLE PASSWORD :'owner_password';
ALTER ROLE :"web" WITH LOGIN NOCREATEDB NOSUPERUSER NOCREATEROLE PASSWORD :'web_password';
-- A database that is dropped or restored may still have the site's sessions open; its owner may end them.
GRANT pg_signal_backend TO :"owner";

CREATE EXTENSION IF NOT EXISTS postgis;
CREATE EXTENSION IF NOT EXISTS pg_trgm;
CREATE EXTENSION IF NOT EXISTS btree_gist;

-- The site may read and write rows in tables that the owner makes; it may not TRUNCATE, ALTER or own them.
-- Append-only tables take UPDATE and DELETE back in their own migrations.
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
ALTER DEFAULT PRIVILEGES FOR ROLE :"owner" GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO :"web";
ALTER DEFAULT PRIVILEGES FOR ROLE :"owner" GRANT USAGE, SELECT ON SEQUENCES TO :"web";
