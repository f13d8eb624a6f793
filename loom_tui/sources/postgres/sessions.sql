-- Sessions that wait for a lock, those that hold it (pg_blocking_pids is asked of the waiting alone: it stops the lock
-- manager for a moment), and the longest transactions.
WITH waiting AS MATERIALIZED (
    SELECT pid, pg_blocking_pids(pid) AS blockers
      FROM pg_stat_activity
     WHERE wait_event_type = 'Lock'
     ORDER BY query_start
     LIMIT 20
)
SELECT /* loom */ activity.pid, coalesce(usename, ''), coalesce(application_name, ''),
       coalesce(state, backend_type), left(query, 2000),
       extract(epoch FROM clock_timestamp() - xact_start)::float8,
       CASE WHEN state = 'active' THEN extract(epoch FROM clock_timestamp() - query_start)::float8 END,
       coalesce(blockers, '{}'),
       waiting.pid IS NOT NULL OR activity.pid IN (SELECT unnest(blockers) FROM waiting) AS locked
  FROM pg_stat_activity AS activity LEFT JOIN waiting USING (pid)
 WHERE activity.pid <> pg_backend_pid()
   AND (waiting.pid IS NOT NULL
        OR activity.pid IN (SELECT unnest(blockers) FROM waiting)
        OR (xact_start IS NOT NULL AND backend_type = 'client backend'))
 ORDER BY waiting.pid IS NULL, locked DESC, xact_start NULLS LAST
 LIMIT 45
