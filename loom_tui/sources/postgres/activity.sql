SELECT /* loom */ current_setting('max_connections')::int,
       pg_has_role(current_user, 'pg_read_all_stats', 'usage'),
       coalesce(state, 'unknown'),
       count(*),
       count(*) FILTER (WHERE wait_event_type = 'Lock'),
       coalesce(max(extract(epoch FROM clock_timestamp() - xact_start)), 0)::float8
  FROM pg_stat_activity
 WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()
 GROUP BY 3
