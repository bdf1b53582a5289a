-- No key: a repeated effect shows.
CREATE TABLE effect (position BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name TEXT NOT NULL);
