-- A row in the second table is refused when its transaction commits, and not before.
CREATE TABLE missing (id BIGINT PRIMARY KEY);
CREATE TABLE refused (missing BIGINT NOT NULL REFERENCES missing (id) DEFERRABLE INITIALLY DEFERRED);
