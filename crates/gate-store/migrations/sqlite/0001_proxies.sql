-- `_proxies` with the names and types of the fork's plug-in (contract §3.1). `IF NOT EXISTS`, because a database
-- of the fork already has it and is taken over as it is.
--
-- The defaults serve programs that write SQL themselves: a row without `active`, `stripPath` and `timeout`
-- behaves like one created through pocketgate (contract D-2).
CREATE TABLE IF NOT EXISTS "_proxies" (
    "id"             TEXT PRIMARY KEY NOT NULL DEFAULT ('r' || lower(hex(randomblob(7)))),
    "created"        TEXT NOT NULL DEFAULT (strftime('%Y-%m-%d %H:%M:%fZ')),
    "updated"        TEXT NOT NULL DEFAULT (strftime('%Y-%m-%d %H:%M:%fZ')),
    "path"           TEXT NOT NULL DEFAULT '',
    "upstream"       TEXT NOT NULL DEFAULT '',
    "stripPath"      BOOLEAN NOT NULL DEFAULT TRUE,
    "accessRule"     TEXT NOT NULL DEFAULT '',
    "headers"        JSON DEFAULT NULL,
    "timeout"        NUMERIC NOT NULL DEFAULT 30,
    "active"         BOOLEAN NOT NULL DEFAULT TRUE,
    "maxConcurrent"  NUMERIC NOT NULL DEFAULT 0,
    "circuitBreaker" JSON DEFAULT NULL,
    "timeoutConfig"  JSON DEFAULT NULL
);

CREATE UNIQUE INDEX IF NOT EXISTS "idx_proxies_path" ON "_proxies" ("path");

CREATE INDEX IF NOT EXISTS "idx_proxies_active" ON "_proxies" ("active");
