-- IF NOT EXISTS: for a while stores of version 1 were made with this table in them.
CREATE TABLE IF NOT EXISTS runs (        -- each check's last runs, a ring of ten places
  sid INTEGER NOT NULL REFERENCES signals,
  place INTEGER NOT NULL,
  observed_at REAL NOT NULL,
  state TEXT NOT NULL,
  detail TEXT NOT NULL,
  PRIMARY KEY (sid, place)
) WITHOUT ROWID;
