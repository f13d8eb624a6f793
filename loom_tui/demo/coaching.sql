-- A small coaching platform: coaches, their clients, booked sessions and practice journals, all generated, none random.
-- The two tables that grow have no index but their primary keys: that is what the sprint's migration mends.

CREATE TABLE coach (
    id integer PRIMARY KEY,
    name text NOT NULL
);

CREATE TABLE client (
    id integer PRIMARY KEY,
    name text NOT NULL,
    joined_on date NOT NULL,
    phone text
);

CREATE TABLE coach_client (
    coach_id integer NOT NULL REFERENCES coach,
    client_id integer NOT NULL REFERENCES client,
    PRIMARY KEY (coach_id, client_id)
);

CREATE TABLE session (
    id integer PRIMARY KEY,
    client_id integer NOT NULL,
    starts_at timestamptz NOT NULL,
    minutes smallint NOT NULL,
    status text NOT NULL
);

CREATE TABLE practice_entry (
    id integer PRIMARY KEY,
    client_id integer NOT NULL,
    written_at timestamptz NOT NULL,
    minutes smallint NOT NULL,
    mood smallint NOT NULL
);

CREATE TABLE schema_migrations (
    version text PRIMARY KEY,
    checksum text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
);

INSERT INTO coach
SELECT i, 'Coach ' || i FROM generate_series(1, 12) AS i;

INSERT INTO client
SELECT i, 'Client ' || i, current_date - i % 700 FROM generate_series(1, 2000) AS i;

-- Multipliers prime to 2,000 spread the rows of each client over the whole table, as booking does over the months.
INSERT INTO session
SELECT i, 1 + i * 7919 % 2000, now() + (i % 730 - 640) * interval '1 day', 30 + i % 3 * 15,
       CASE WHEN i % 730 > 640 THEN 'booked' WHEN i % 11 = 0 THEN 'cancelled' ELSE 'completed' END
FROM generate_series(1, 24000) AS i;

INSERT INTO practice_entry
SELECT i, 1 + i * 6121 % 2000, now() - i % 365 * interval '1 day', 5 + i % 40, 1 + i % 5
FROM generate_series(1, 24000) AS i;

ANALYZE coach;
ANALYZE client;
ANALYZE session;
ANALYZE practice_entry;
