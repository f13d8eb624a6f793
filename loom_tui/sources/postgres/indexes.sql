SELECT /* loom */ wanted.name, coalesce(stats.relname, ''), stats.idx_scan,
       coalesce(pg_relation_size(stats.indexrelid), 0), coalesce(indisvalid AND indisready, false)
  FROM unnest(%s::text[]) WITH ORDINALITY AS wanted (name, place)
  LEFT JOIN pg_stat_all_indexes AS stats ON stats.indexrelid = to_regclass(wanted.name)
  LEFT JOIN pg_index ON pg_index.indexrelid = stats.indexrelid
 ORDER BY wanted.place
