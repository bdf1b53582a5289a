-- Attempts at jobs that were delivered before. A queue counts deliveries, those of jobs that only waited in a consumer's
-- hands while its server or process went away too; these are the ones that began.

CREATE TABLE job_start (
    source TEXT NOT NULL,
    id TEXT NOT NULL,
    starts BIGINT NOT NULL,
    started_at BIGINT NOT NULL,
    PRIMARY KEY (source, id)
);
CREATE INDEX job_start_started_at ON job_start (started_at);
