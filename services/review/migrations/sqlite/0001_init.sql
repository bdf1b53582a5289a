-- Reviews and their findings. Times are microseconds since the epoch; verdicts and severities are the contract's numbers.

CREATE TABLE review (
    id TEXT PRIMARY KEY,               -- UUIDv7: rises with time
    change_id TEXT,                    -- absent where the diff came without a change
    repository_id TEXT NOT NULL,
    repository_name TEXT NOT NULL,
    commit_hash TEXT NOT NULL,
    verdict BIGINT NOT NULL,
    reason TEXT NOT NULL,
    files_scanned BIGINT NOT NULL,
    lines_scanned BIGINT NOT NULL,
    rules_version TEXT NOT NULL,
    low BIGINT NOT NULL,               -- findings of each severity
    medium BIGINT NOT NULL,
    high BIGINT NOT NULL,
    critical BIGINT NOT NULL,
    reviewed_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX review_change ON review (change_id) WHERE change_id IS NOT NULL;
CREATE INDEX review_repository ON review (repository_id, id);

CREATE TABLE finding (
    id TEXT PRIMARY KEY,               -- review's id and a number
    review_id TEXT NOT NULL REFERENCES review (id) ON DELETE CASCADE,
    file TEXT NOT NULL,
    line BIGINT NOT NULL,
    rule_id TEXT NOT NULL,
    description TEXT NOT NULL,
    severity BIGINT NOT NULL,
    excerpt TEXT NOT NULL,             -- never the secret
    fingerprint TEXT NOT NULL          -- keyed hash
);
CREATE INDEX finding_review ON finding (review_id);
CREATE INDEX finding_severity ON finding (severity, id);

-- The key of the fingerprints, where no file is configured.
CREATE TABLE fingerprint_key (
    only_one BIGINT PRIMARY KEY CHECK (only_one = 1),
    key BLOB NOT NULL
);
