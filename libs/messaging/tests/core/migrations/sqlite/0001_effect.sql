-- No key: a repeated effect shows.
CREATE TABLE effect (position INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL);
