-- Each table of the exposed schemas: whether row-level security is on, and how many policies it has.
-- What an extension brought is its own affair; partitions are tables that can be asked for themselves.
select n.nspname::text, c.relname::text, c.relrowsecurity,
       (select count(*) from pg_catalog.pg_policy p where p.polrelid = c.oid)::int
  from pg_catalog.pg_class c
  join pg_catalog.pg_namespace n on n.oid = c.relnamespace
 where n.nspname = any(%(schemas)s)
   and c.relkind in ('r', 'p')
   and not exists (select from pg_catalog.pg_depend d
                    where d.classid = 'pg_catalog.pg_class'::regclass and d.objid = c.oid and d.deptype = 'e')
 order by 1, 2
