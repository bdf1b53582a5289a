-- Flags, experiments, and what units did. Times are microseconds since the epoch.

-- Rises with every change of a flag or group: what a process has in memory is good while this is the same.
CREATE TABLE catalog (
    only_one BIGINT PRIMARY KEY CHECK (only_one = 1),
    version BIGINT NOT NULL
);
INSERT INTO catalog (only_one, version) VALUES (1, 1);

CREATE TABLE feature (
    key TEXT PRIMARY KEY,
    description TEXT NOT NULL,
    definition TEXT NOT NULL,          -- JSON
    version BIGINT NOT NULL,
    archived BIGINT NOT NULL,          -- 0 or 1
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);

CREATE TABLE saved_group (
    id TEXT PRIMARY KEY,
    members TEXT NOT NULL              -- JSON
);

CREATE TABLE experiment (
    id TEXT PRIMARY KEY,
    flag_key TEXT NOT NULL,
    state BIGINT NOT NULL,             -- the contract's number
    definition BLOB NOT NULL,          -- septet.cx.v1.Experiment
    result BLOB,                       -- septet.cx.v1.ExperimentResult, once it is final
    judged_at BIGINT NOT NULL,
    concluded_at BIGINT
);
CREATE INDEX experiment_flag ON experiment (flag_key, id);

-- Locked while what a unit did is counted: two replicas may hear of it at the same time.
CREATE TABLE unit (
    id TEXT PRIMARY KEY,
    seen_at BIGINT NOT NULL
);
CREATE INDEX unit_seen ON unit (seen_at);

CREATE TABLE activity (
    unit_id TEXT NOT NULL,
    id TEXT NOT NULL,
    kind BIGINT NOT NULL,              -- the contract's number
    name TEXT NOT NULL,
    value BIGINT NOT NULL,             -- millionths
    occurred_at BIGINT NOT NULL,
    properties TEXT,                   -- JSON, where there are some
    PRIMARY KEY (unit_id, id)
);
CREATE INDEX activity_in_order ON activity (unit_id, occurred_at, id);
CREATE INDEX activity_time ON activity (occurred_at);

-- Units in experiments.
CREATE TABLE exposure (
    unit_id TEXT NOT NULL,
    experiment_id TEXT NOT NULL,
    variation BIGINT NOT NULL,
    exposed_at BIGINT NOT NULL,
    several BIGINT NOT NULL,           -- 0 or 1
    PRIMARY KEY (unit_id, experiment_id)
);
CREATE INDEX exposure_experiment ON exposure (experiment_id);

-- A unit's figure in a metric; absent where it is 0.
CREATE TABLE contribution (
    unit_id TEXT NOT NULL,
    experiment_id TEXT NOT NULL,
    metric TEXT NOT NULL,
    figure BIGINT NOT NULL,            -- millionths
    PRIMARY KEY (unit_id, experiment_id, metric)
);
CREATE INDEX contribution_experiment ON contribution (experiment_id);

-- Sums of figures by metric ('' for the units) and variation (-1 for units that count in none). Sums are whole numbers of
-- up to 128 bits, so they are texts.
CREATE TABLE aggregate (
    experiment_id TEXT NOT NULL,
    metric TEXT NOT NULL,
    variation BIGINT NOT NULL,
    units BIGINT NOT NULL,
    sum TEXT NOT NULL,
    squares TEXT NOT NULL,
    PRIMARY KEY (experiment_id, metric, variation)
);

-- What is to be added to the aggregates: all who count would otherwise wait for the same few rows.
CREATE TABLE delta (
    id TEXT PRIMARY KEY,
    experiment_id TEXT NOT NULL,
    metric TEXT NOT NULL,
    variation BIGINT NOT NULL,
    units BIGINT NOT NULL,
    sum TEXT NOT NULL,
    squares TEXT NOT NULL
);
CREATE INDEX delta_experiment ON delta (experiment_id);

-- Guardrails that are breached now.
CREATE TABLE breach (
    experiment_id TEXT NOT NULL,
    metric TEXT NOT NULL,
    variation TEXT NOT NULL,
    flag_key TEXT NOT NULL,
    reason TEXT NOT NULL,
    since BIGINT NOT NULL,
    PRIMARY KEY (experiment_id, metric, variation)
);
CREATE INDEX breach_flag ON breach (flag_key);
