-- What blobs say, and what checks of changes found. Times are microseconds since the epoch; verdicts and languages are the
-- contract's numbers.

CREATE TABLE blob_facts (
    blob TEXT NOT NULL,
    dialect TEXT NOT NULL,             -- how it was read
    version BIGINT NOT NULL,           -- of the reader
    facts BLOB,                        -- JSON; absent where it could not be read
    failure TEXT NOT NULL,             -- why it could not be read; else empty
    read_at BIGINT NOT NULL,
    PRIMARY KEY (blob, dialect, version)
);
CREATE INDEX blob_facts_age ON blob_facts (read_at);

CREATE TABLE docs_check (
    change_id TEXT PRIMARY KEY,
    repository_id TEXT NOT NULL,
    repository_name TEXT NOT NULL,
    commit_hash TEXT NOT NULL,
    verdict BIGINT NOT NULL,
    reason TEXT NOT NULL,
    breaking BIGINT NOT NULL,
    stale_pages BIGINT NOT NULL,
    measured BIGINT NOT NULL,          -- 1 where coverage was measured at this change
    checked_at BIGINT NOT NULL
);
CREATE INDEX docs_check_repository ON docs_check (repository_id, checked_at);

CREATE TABLE coverage (
    change_id TEXT NOT NULL REFERENCES docs_check (change_id) ON DELETE CASCADE,
    language BIGINT NOT NULL,
    file TEXT NOT NULL,                -- empty over all files
    symbols BIGINT NOT NULL,
    documented BIGINT NOT NULL,
    PRIMARY KEY (change_id, language, file)
);

CREATE TABLE stale_mention (
    id TEXT PRIMARY KEY,               -- UUIDv7 of the check and a number: rises with time
    change_id TEXT NOT NULL REFERENCES docs_check (change_id) ON DELETE CASCADE,
    page TEXT NOT NULL,
    line BIGINT NOT NULL,
    symbol TEXT NOT NULL,
    said TEXT NOT NULL,
    renamed_to TEXT NOT NULL
);
CREATE INDEX stale_mention_change ON stale_mention (change_id);
