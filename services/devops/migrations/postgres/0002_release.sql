-- Releases of changes, the alerts that block them, and what ties a journey together. Times are microseconds since the epoch.

CREATE TABLE release (
    change_id TEXT PRIMARY KEY,
    seq BIGINT NOT NULL,              -- its change's number
    repository_id TEXT NOT NULL,
    settings BYTEA NOT NULL,          -- septet.devops.v1.RepositorySettings
    words TEXT NOT NULL,              -- what services have said, as JSON
    state BIGINT NOT NULL,            -- septet.devops.v1.ReleaseState
    decision BYTEA NOT NULL,          -- septet.devops.v1.Release with its state, reasons and checks alone
    revision BIGINT NOT NULL,         -- 0 until it is decided
    decided_at BIGINT NOT NULL
);
CREATE INDEX release_seq ON release (seq);
CREATE INDEX release_repository ON release (repository_id, seq);
CREATE INDEX release_state ON release (state, seq);

-- What was imported before there were releases waits for whoever speaks of it again.
INSERT INTO release (change_id, seq, repository_id, settings, words, state, decision, revision, decided_at)
SELECT id, seq, repository_id, ''::bytea, '{}', 1, ''::bytea, 0, 0 FROM change;

-- Flags that releases are behind.
CREATE TABLE release_flag (
    flag_key TEXT NOT NULL,
    seq BIGINT NOT NULL,
    change_id TEXT NOT NULL,
    PRIMARY KEY (flag_key, seq)
);

-- Critical alerts about repositories.
CREATE TABLE alert (
    alert_id TEXT PRIMARY KEY,
    repository_id TEXT NOT NULL,
    change_id TEXT NOT NULL,          -- empty where it is about none
    title TEXT NOT NULL,
    raised_at BIGINT NOT NULL,
    closed BIGINT NOT NULL            -- 0 or 1; once closed it stays so
);
CREATE INDEX alert_repository ON alert (repository_id, closed);
CREATE INDEX alert_change ON alert (change_id);

ALTER TABLE journey_step ADD COLUMN correlation_id TEXT NOT NULL DEFAULT '';
ALTER TABLE journey_step ADD COLUMN trace_id TEXT NOT NULL DEFAULT '';
CREATE INDEX journey_step_arrival ON journey_step (arrived_at);
