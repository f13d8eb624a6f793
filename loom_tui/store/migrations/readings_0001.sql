-- For SQLite 3.24 and later (RHEL 9 has 3.34): no STRICT tables, no RETURNING.
CREATE TABLE signals (
  sid INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  kind TEXT NOT NULL                     -- as defined; '' for one that was only ever recorded
);

CREATE TABLE latest (
  sid INTEGER PRIMARY KEY REFERENCES signals,
  recorded_at REAL NOT NULL,
  observed_at REAL NOT NULL,
  state TEXT NOT NULL,
  value REAL,
  detail TEXT NOT NULL,
  environment TEXT NOT NULL,
  release TEXT NOT NULL,
  body BLOB NOT NULL
);

CREATE TABLE buckets (                   -- what is still changing; older hours are in `hours`
  sid INTEGER NOT NULL REFERENCES signals,
  step INTEGER NOT NULL,                 -- seconds
  start INTEGER NOT NULL,
  count INTEGER NOT NULL,
  total REAL NOT NULL,
  low REAL NOT NULL,
  high REAL NOT NULL,
  sketch BLOB NOT NULL,
  PRIMARY KEY (sid, step, start)
) WITHOUT ROWID;

CREATE TABLE hours (                     -- one signal's buckets of one hour, packed
  sid INTEGER NOT NULL REFERENCES signals,
  step INTEGER NOT NULL,
  hour INTEGER NOT NULL,
  body BLOB NOT NULL,
  PRIMARY KEY (sid, step, hour)
);

CREATE TABLE clock (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  recorded_at REAL NOT NULL,             -- the newest ever given: it never goes back, whatever the clock does
  pruned_at REAL NOT NULL,               -- up to when old readings were dropped: it never leaps
  epoch INTEGER NOT NULL                 -- the newest ever given, of all leases: so that old leases can be dropped
);

INSERT INTO clock VALUES (1, 0.0, 0.0, 0);

CREATE TABLE leases (
  name TEXT PRIMARY KEY,
  holder TEXT NOT NULL,                  -- '' once given back
  epoch INTEGER NOT NULL,
  until REAL NOT NULL,
  ttl_s REAL NOT NULL
);

CREATE TABLE requests (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  asked_at REAL NOT NULL,
  asked_by TEXT NOT NULL,
  what TEXT NOT NULL,
  subject TEXT NOT NULL,
  answered_at REAL,
  answer TEXT NOT NULL DEFAULT ''
);
