-- Alerts, and what was said of each change. Times are microseconds since the epoch; levels and states are the contract's numbers.

CREATE TABLE alert (
    id TEXT PRIMARY KEY,               -- UUIDv5 of rule, source and event
    raised_number BIGINT NOT NULL,     -- order in which alerts were raised
    moved_number BIGINT NOT NULL,      -- order in which alerts were last raised or closed, which is the order of commit
    rule_id TEXT NOT NULL,
    repository_id TEXT NOT NULL,       -- empty where it is about none
    change_id TEXT NOT NULL,           -- empty where it is about none
    level BIGINT NOT NULL,
    state BIGINT NOT NULL,
    raised_at BIGINT NOT NULL,
    alert BLOB NOT NULL                -- septet.soc.v1.Alert
);
CREATE UNIQUE INDEX alert_raised ON alert (raised_number);
CREATE UNIQUE INDEX alert_moved ON alert (moved_number);
CREATE INDEX alert_repository ON alert (repository_id, raised_number);
CREATE INDEX alert_change ON alert (change_id, raised_number);

-- One row: alerts are numbered one after the other, so that no reader overtakes a number not committed yet.
CREATE TABLE alert_sequence (
    only_one BIGINT PRIMARY KEY CHECK (only_one = 1),
    last_number BIGINT NOT NULL
);
INSERT INTO alert_sequence (only_one, last_number) VALUES (1, 0);

CREATE TABLE assessment (
    change_id TEXT PRIMARY KEY,
    repository_id TEXT NOT NULL,
    assessed_at BIGINT NOT NULL,
    assessment BLOB NOT NULL           -- septet.soc.v1.Assessment
);
