-- Watched repositories, their changes, and the journey of each change. Times are microseconds since the epoch, flags 0 or 1.

CREATE TABLE repository (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    location TEXT NOT NULL,           -- absolute path or URL, without credentials
    since TEXT NOT NULL,              -- where history begins: 'last 200', 'commit <hash>', 'time <seconds>', 'all'
    registered_at BIGINT NOT NULL,
    changes BIGINT NOT NULL,          -- number of its rows in change
    importing BIGINT NOT NULL,        -- 1 until all that since selects is imported
    last_error TEXT NOT NULL,         -- why the last look failed; empty if it did not
    refs_digest TEXT NOT NULL,        -- digest of the refs at the last look that ended
    queued_until BIGINT NOT NULL      -- an import is queued or runs; not believed after this time
);
CREATE INDEX repository_name ON repository (name, id);

-- What branches pointed to, one line for each: hash, blank, ref.
CREATE TABLE tips (
    repository_id TEXT NOT NULL,
    state TEXT NOT NULL,              -- 'seen': all they lead to is imported; 'goal': being imported
    listing TEXT NOT NULL,
    PRIMARY KEY (repository_id, state)
);

CREATE TABLE change (
    seq BIGINT PRIMARY KEY,           -- order of import over all repositories, which is the order of commit
    id TEXT NOT NULL UNIQUE,
    repository_id TEXT NOT NULL,
    commit_id TEXT COLLATE "C" NOT NULL, -- looked up by ranges of prefixes
    ref_name TEXT NOT NULL,
    parents TEXT NOT NULL,            -- hashes with blanks between
    author_name TEXT NOT NULL,
    author_email TEXT NOT NULL,
    authored_at BIGINT NOT NULL,
    committed_at BIGINT NOT NULL,
    subject TEXT NOT NULL,
    files_total BIGINT NOT NULL,
    files BYTEA NOT NULL,             -- septet.devops.v1.Change with its files alone: they are only ever read together
    UNIQUE (repository_id, commit_id)
);
CREATE INDEX change_repository ON change (repository_id, seq);

-- One row: imports number their changes one after the other, so that no reader overtakes a number not committed yet.
CREATE TABLE change_sequence (
    id BIGINT PRIMARY KEY,
    last_seq BIGINT NOT NULL
);
INSERT INTO change_sequence (id, last_seq) VALUES (1, 0);

CREATE TABLE journey_step (
    change_id TEXT NOT NULL,
    event_id TEXT NOT NULL,
    service TEXT NOT NULL,
    event_type TEXT NOT NULL,
    outcome BIGINT NOT NULL,          -- septet.common.v1.Verdict
    summary TEXT NOT NULL,
    published_at BIGINT NOT NULL,
    arrived_at BIGINT NOT NULL,
    PRIMARY KEY (change_id, event_id)
);
