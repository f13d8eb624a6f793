-- Each function that runs with its owner's rights: whether it fixes its search_path.
-- Left out: what extensions brought, and the schemas that Supabase itself maintains.
select n.nspname::text, p.proname::text,
       exists (select from unnest(p.proconfig) setting where setting like 'search_path=%%')
  from pg_catalog.pg_proc p
  join pg_catalog.pg_namespace n on n.oid = p.pronamespace
 where p.prosecdef
   and n.nspname !~ '^pg_'
   and n.nspname not in ('information_schema', 'auth', 'cron', 'extensions', 'graphql', 'graphql_public', 'net',
                         'pgbouncer', 'pgmq', 'pgsodium', 'realtime', 'storage', 'supabase_functions', 'vault')
   and not exists (select from pg_catalog.pg_depend d
                    where d.classid = 'pg_catalog.pg_proc'::regclass and d.objid = p.oid and d.deptype = 'e')
 order by 1, 2
