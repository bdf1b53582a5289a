CREATE TABLE IF NOT EXISTS queues (
    id           INTEGER PRIMARY KEY,
    name         TEXT NOT NULL UNIQUE,
    max_attempts BIGINT NOT NULL
);
-- Times are microseconds since the epoch. A job is out while owner (an open queue of some process) is set; token tells
-- one delivery from the next.
CREATE TABLE IF NOT EXISTS jobs (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    queue_id     BIGINT NOT NULL,
    available_at BIGINT NOT NULL,
    attempts     BIGINT NOT NULL DEFAULT 0,
    owner        TEXT,
    token        BIGINT,
    leased_until BIGINT,
    created_at   BIGINT NOT NULL,
    "key"        BLOB,
    headers      BLOB NOT NULL,
    value        BLOB
);
CREATE INDEX IF NOT EXISTS jobs_waiting ON jobs (queue_id, available_at, id) WHERE owner IS NULL;
CREATE INDEX IF NOT EXISTS jobs_out ON jobs (queue_id, owner, leased_until) WHERE owner IS NOT NULL;
-- Jobs that no worker ever settled, set aside.
CREATE TABLE IF NOT EXISTS dead (
    id         INTEGER PRIMARY KEY,
    queue_id   BIGINT NOT NULL,
    attempts   BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    died_at    BIGINT NOT NULL,
    "key"      BLOB,
    headers    BLOB NOT NULL,
    value      BLOB
);
