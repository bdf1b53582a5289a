-- Pipelines and their runs. Times are microseconds since the epoch, 0 for none; states are the contract's numbers; inputs,
-- events and outputs are JSON.

CREATE TABLE pipeline (
    name TEXT PRIMARY KEY,
    description TEXT NOT NULL,
    definition TEXT NOT NULL,          -- YAML
    put_at BIGINT NOT NULL
);

CREATE TABLE pipeline_trigger (
    pipeline TEXT NOT NULL REFERENCES pipeline (name) ON DELETE CASCADE,
    event_type TEXT NOT NULL,
    PRIMARY KEY (pipeline, event_type)
);
CREATE INDEX pipeline_trigger_event ON pipeline_trigger (event_type);

CREATE TABLE run (
    id TEXT PRIMARY KEY,               -- UUIDv7: rises with time
    name TEXT NOT NULL,
    definition TEXT NOT NULL,          -- YAML; empty until devops was asked for a release's tests
    inputs TEXT NOT NULL,
    event_type TEXT NOT NULL,          -- empty where a call submitted it
    event TEXT NOT NULL,
    depth BIGINT NOT NULL,             -- runs that led to this one
    state BIGINT NOT NULL,
    reason TEXT NOT NULL,
    release_of TEXT,                   -- change whose tests it runs, once for each
    change_id TEXT NOT NULL,
    repository_id TEXT NOT NULL,
    repository_name TEXT NOT NULL,
    commit_hash TEXT NOT NULL,
    correlation_id TEXT NOT NULL,
    causation_id TEXT,
    traceparent TEXT,
    submitted_at BIGINT NOT NULL,
    started_at BIGINT NOT NULL,
    finished_at BIGINT NOT NULL,
    deadline_at BIGINT NOT NULL,
    cancel_requested BIGINT NOT NULL,  -- 0 or 1
    lease_until BIGINT NOT NULL,       -- whoever executes it has it until then
    fence BIGINT NOT NULL,             -- rises with every taker; every write of a taker names its own
    due_at BIGINT NOT NULL,            -- nothing is to be done before
    wakes BIGINT NOT NULL,             -- rises with every word from outside
    version BIGINT NOT NULL            -- rises with every change
);
CREATE UNIQUE INDEX run_release ON run (release_of) WHERE release_of IS NOT NULL;
CREATE INDEX run_due ON run (due_at) WHERE state IN (1, 2);
CREATE INDEX run_name ON run (name, id);
CREATE INDEX run_change ON run (change_id, id);

CREATE TABLE step (
    run_id TEXT NOT NULL REFERENCES run (id) ON DELETE CASCADE,
    position BIGINT NOT NULL,          -- in the definition, from 0
    name TEXT NOT NULL,
    kind TEXT NOT NULL,
    state BIGINT NOT NULL,
    reason TEXT NOT NULL,
    attempts BIGINT NOT NULL,
    interrupted BIGINT NOT NULL,       -- attempts that a crash ended
    outputs TEXT NOT NULL,
    due_at BIGINT NOT NULL,            -- of the next attempt, or the end of a wait
    awaits TEXT NOT NULL,              -- event type that it waits for
    arrived TEXT NOT NULL,             -- the event, once it came
    started_at BIGINT NOT NULL,
    finished_at BIGINT NOT NULL,
    PRIMARY KEY (run_id, position)
);
CREATE INDEX step_awaits ON step (awaits) WHERE awaits <> '';

CREATE TABLE attempt (
    run_id TEXT NOT NULL REFERENCES run (id) ON DELETE CASCADE,
    position BIGINT NOT NULL,
    number BIGINT NOT NULL,            -- from 1
    state BIGINT NOT NULL,
    reason TEXT NOT NULL,
    log TEXT NOT NULL,
    started_at BIGINT NOT NULL,
    finished_at BIGINT NOT NULL,
    PRIMARY KEY (run_id, position, number)
);
