-- For SQLite 3.24 and later (RHEL 9 has 3.34): no STRICT tables, no RETURNING.
CREATE TABLE events (
  seq INTEGER PRIMARY KEY AUTOINCREMENT, -- AUTOINCREMENT remembers the newest number, so that a cut tail shows
  at REAL NOT NULL,
  actor TEXT NOT NULL,
  payload BLOB,                          -- NULL once it had to be removed; the digest keeps its place in the chain
  digest BLOB NOT NULL,
  hash TEXT NOT NULL
);

CREATE TRIGGER events_stay BEFORE DELETE ON events
BEGIN
  SELECT RAISE(ABORT, 'the journal is append-only');
END;

CREATE TRIGGER events_keep_their_words BEFORE UPDATE ON events
WHEN NEW.payload IS NOT NULL OR NEW.seq IS NOT OLD.seq OR NEW.at IS NOT OLD.at OR NEW.actor IS NOT OLD.actor
  OR NEW.digest IS NOT OLD.digest OR NEW.hash IS NOT OLD.hash
BEGIN
  SELECT RAISE(ABORT, 'the journal is append-only');
END;

CREATE TABLE plans (
  hash TEXT PRIMARY KEY,
  body BLOB NOT NULL
);
