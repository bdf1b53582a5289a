-- Charges, budgets and estimates. Times are microseconds since the epoch, days count from the epoch, months from the year 0.
-- An amount is two columns: millionths of the unit, rounded down, and what remains in 10^-15 of it. So exact amounts add up
-- in whole numbers without an overflow.

CREATE TABLE charge (
    id TEXT PRIMARY KEY,               -- hash of what tells it apart
    content TEXT NOT NULL,             -- hash of all that is kept of it
    source TEXT NOT NULL,
    day BIGINT NOT NULL,               -- on which its period starts
    month BIGINT NOT NULL,
    currency TEXT NOT NULL,
    provider TEXT NOT NULL,
    account TEXT NOT NULL,
    service TEXT NOT NULL,
    service_category TEXT NOT NULL,
    region TEXT NOT NULL,
    resource TEXT NOT NULL,
    category TEXT NOT NULL,
    class TEXT NOT NULL,
    billed_micros BIGINT NOT NULL,
    billed_rest BIGINT NOT NULL,
    effective_micros BIGINT NOT NULL,
    effective_rest BIGINT NOT NULL,
    list_micros BIGINT NOT NULL,
    list_rest BIGINT NOT NULL,
    received_at BIGINT NOT NULL
);
CREATE INDEX charge_day ON charge (day);
CREATE INDEX charge_month ON charge (month);

CREATE TABLE charge_tag (
    charge_id TEXT NOT NULL REFERENCES charge (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (charge_id, name)
);

CREATE TABLE budget (
    id TEXT PRIMARY KEY,
    repository TEXT NOT NULL,          -- empty where it limits charges
    data BYTEA NOT NULL                 -- the contract's Budget
);
CREATE INDEX budget_repository ON budget (repository);

-- Thresholds that were told of.
CREATE TABLE breach (
    budget_id TEXT NOT NULL,
    month BIGINT NOT NULL,
    threshold BIGINT NOT NULL,
    told_at BIGINT NOT NULL,
    PRIMARY KEY (budget_id, month, threshold)
);

-- Who looks at budgets holds this row: of two imports at once, the second must see what the first has added.
CREATE TABLE budget_turn (
    only_one BIGINT PRIMARY KEY CHECK (only_one = 1),
    turn BIGINT NOT NULL
);
INSERT INTO budget_turn (only_one, turn) VALUES (1, 0);

CREATE TABLE estimate (
    id TEXT PRIMARY KEY,               -- UUIDv7: rises with time
    change_id TEXT NOT NULL UNIQUE,
    repository_id TEXT NOT NULL,
    verdict BIGINT NOT NULL,
    data BYTEA NOT NULL                 -- the contract's Estimate
);
CREATE INDEX estimate_repository ON estimate (repository_id, id);
