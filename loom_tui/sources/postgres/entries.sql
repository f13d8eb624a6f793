-- Without the texts: they lie in a file of their own, which is read only for those that are shown.
SELECT /* loom */ extract(epoch FROM stats_reset)::float8, concat_ws('/', userid, queryid, toplevel), calls,
       total_exec_time, rows, {since}
  FROM {schema}.pg_stat_statements_info
  LEFT JOIN {schema}.pg_stat_statements(false)
    ON dbid = (SELECT oid FROM pg_database WHERE datname = current_database()) AND queryid IS NOT NULL
