CREATE TABLE IF NOT EXISTS topics (
    id              INTEGER PRIMARY KEY,
    name            TEXT NOT NULL UNIQUE,
    retention_ms    BIGINT NOT NULL,
    retention_bytes BIGINT
);
CREATE TABLE IF NOT EXISTS partitions (
    id           INTEGER PRIMARY KEY,
    topic_id     BIGINT NOT NULL,
    number       INTEGER NOT NULL,
    start_offset BIGINT NOT NULL DEFAULT 0,
    next_offset  BIGINT NOT NULL DEFAULT 0,
    bytes        BIGINT NOT NULL DEFAULT 0,
    UNIQUE (topic_id, number)
);
-- timestamp: microseconds since the epoch. It stands before the blobs so that a search by time reads no overflow pages.
CREATE TABLE IF NOT EXISTS records (
    partition_id BIGINT NOT NULL,
    "offset"     BIGINT NOT NULL,
    timestamp    BIGINT NOT NULL,
    "key"        BLOB,
    headers      BLOB NOT NULL,
    value        BLOB,
    PRIMARY KEY (partition_id, "offset")
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS offsets (
    grp          TEXT NOT NULL,
    partition_id BIGINT NOT NULL,
    next         BIGINT NOT NULL,
    PRIMARY KEY (grp, partition_id)
) WITHOUT ROWID;
-- A member lives until `expires` (microseconds) unless its process renews it; instance names the process.
CREATE TABLE IF NOT EXISTS members (
    grp      TEXT NOT NULL,
    member   TEXT NOT NULL,
    instance TEXT NOT NULL,
    topics   TEXT NOT NULL,
    expires  BIGINT NOT NULL,
    PRIMARY KEY (grp, member)
) WITHOUT ROWID;
-- owner reads the partition; where target is another member, owner is to give it back. Each change of owner raises epoch.
CREATE TABLE IF NOT EXISTS assignments (
    grp          TEXT NOT NULL,
    partition_id BIGINT NOT NULL,
    owner        TEXT,
    target       TEXT,
    epoch        BIGINT NOT NULL,
    PRIMARY KEY (grp, partition_id)
) WITHOUT ROWID;
