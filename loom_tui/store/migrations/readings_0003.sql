CREATE TABLE seats (                     -- the rooms that are open, each until it no longer says so
  room TEXT PRIMARY KEY,
  login TEXT NOT NULL,
  host TEXT NOT NULL,
  client TEXT NOT NULL,
  screen TEXT NOT NULL,
  sure INTEGER NOT NULL,
  since REAL NOT NULL,
  until REAL NOT NULL
);
