-- What every service's database holds besides its own tables. Times are microseconds since the epoch.

CREATE TABLE outbox (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    lane TEXT NOT NULL,               -- 'event' or 'job'
    destination TEXT NOT NULL,        -- topic or queue
    key BYTEA,
    headers BYTEA NOT NULL,
    value BYTEA,
    due_at BIGINT NOT NULL            -- a job is not delivered before; an event's creation
);
CREATE INDEX outbox_lane ON outbox (lane, id);

CREATE TABLE inbox (
    consumer TEXT NOT NULL,
    source TEXT NOT NULL,
    id TEXT NOT NULL,
    handled_at BIGINT NOT NULL,
    PRIMARY KEY (consumer, source, id)
);
CREATE INDEX inbox_handled_at ON inbox (handled_at);

CREATE TABLE dead_letter (
    id TEXT PRIMARY KEY,
    state BIGINT NOT NULL,            -- septet.common.v1.DeadLetterState
    reason TEXT NOT NULL,
    error TEXT NOT NULL,
    lane TEXT NOT NULL,
    origin TEXT NOT NULL,             -- topic or queue
    origin_partition BIGINT NOT NULL,
    origin_offset BIGINT NOT NULL,
    type TEXT NOT NULL,               -- empty where it could not be read
    attempts BIGINT NOT NULL,
    key BYTEA,
    headers BYTEA NOT NULL,
    value BYTEA,
    failed_at BIGINT NOT NULL,
    decided_by TEXT,
    decided_at BIGINT
);
CREATE INDEX dead_letter_state ON dead_letter (state, id);

CREATE TABLE request (
    method TEXT NOT NULL,
    caller TEXT NOT NULL,
    request_id TEXT NOT NULL,
    fingerprint TEXT NOT NULL,        -- SHA-256 of the request: one id for two different requests is an error
    reply BYTEA NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (method, caller, request_id)
);
CREATE INDEX request_created_at ON request (created_at);

CREATE TABLE lease (
    name TEXT PRIMARY KEY,
    owner TEXT NOT NULL,
    expires_at BIGINT NOT NULL
);
