SELECT /* loom */ blks_hit, blks_read,
       pg_has_role(current_user, 'pg_read_all_stats', 'usage'),
       pg_is_in_recovery(),
       CASE WHEN NOT pg_is_in_recovery() THEN NULL
            WHEN pg_last_wal_receive_lsn() = pg_last_wal_replay_lsn() THEN 0
            ELSE extract(epoch FROM clock_timestamp() - pg_last_xact_replay_timestamp()) END::float8,
       (SELECT count(*) FROM pg_stat_replication),
       (SELECT max(CASE WHEN replay_lsn = sent_lsn THEN 0 ELSE extract(epoch FROM replay_lag) END)::float8
          FROM pg_stat_replication)
  FROM pg_stat_database
 WHERE datname = current_database()
