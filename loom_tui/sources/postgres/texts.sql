SELECT /* loom */ DISTINCT ON (queryid) queryid::text, query
  FROM {schema}.pg_stat_statements(true)
 WHERE queryid::text = ANY (%s)
 ORDER BY queryid
