-- The sprint's optimisation: what the dashboard, the clients list and the statistics look up, they now find.

CREATE INDEX IF NOT EXISTS session_client_starts_idx ON session (client_id, starts_at) INCLUDE (status, minutes);

CREATE INDEX IF NOT EXISTS practice_entry_client_written_idx ON practice_entry (client_id, written_at) INCLUDE (minutes, mood);

ANALYZE session;

ANALYZE practice_entry;
