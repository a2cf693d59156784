import { sql, type Kysely } from 'kysely';

/**
 * Holds the isolation of accounts a second time: whoever reads under the role gigameter_account sees the
 * rows of one account, also where a query forgot to name it. The tables' owner is not bound (no FORCE), so
 * the meter itself pays nothing for it.
 *
 * Roles belong to the whole server, and the connecting user may not be allowed to make any. Then everything
 * else still works, reads for account keys run under the owner and are held by their WHERE alone, the log
 * and /readyz say so, and the next start after an administrator has run
 *   create role gigameter_account nologin; grant gigameter_account to <user>;
 * puts it in force.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    create function protect_account_tables(readable text[]) returns boolean language plpgsql as $$
    declare
      name text;
      may_set text := case when current_setting('server_version_num')::int >= 160000
        then 'SET' else 'MEMBER' end;
    begin
      perform pg_advisory_xact_lock(hashtextextended('protect_account_tables', 0));
      for name in
        select c.relname from pg_class c join pg_attribute a on a.attrelid = c.oid
        where c.relnamespace = current_schema()::regnamespace and c.relkind in ('r', 'p')
          and a.attname = 'account_id' and not a.attisdropped
          and not exists (select from pg_policy p where p.polrelid = c.oid and p.polname = 'own_rows')
      loop
        execute format('create policy own_rows on %I for select
          using (account_id = current_setting(''gigameter.account_id'', true))', name);
        execute format('alter table %I enable row level security', name);
      end loop;
      -- Else a view would read with the rights of its owner, whom no policy binds.
      for name in
        select c.relname from pg_class c join pg_attribute a on a.attrelid = c.oid
        where c.relnamespace = current_schema()::regnamespace and c.relkind = 'v'
          and a.attname = 'account_id'
          and not coalesce(c.reloptions @> array['security_invoker=true'], false)
      loop
        execute format('alter view %I set (security_invoker = true)', name);
      end loop;
      if to_regrole('gigameter_account') is null then
        begin
          create role gigameter_account nologin;
        exception
          when duplicate_object or unique_violation then null; -- by another database of this server
          when insufficient_privilege then return false;
        end;
      end if;
      if not pg_has_role('gigameter_account', may_set) then
        begin
          execute format('grant gigameter_account to %I', current_user);
        exception when insufficient_privilege then return false;
        end;
      end if;
      if not has_schema_privilege('gigameter_account', current_schema()::regnamespace, 'USAGE') then
        execute format('grant usage on schema %I to gigameter_account', current_schema());
      end if;
      foreach name in array readable loop
        if not has_table_privilege('gigameter_account', name, 'SELECT') then
          execute format('grant select on %I to gigameter_account', name);
        end if;
      end loop;
      return true;
    end $$`.execute(db);
  await sql`comment on function protect_account_tables is
    'gives every table of accounts its policy and the role its rights; safe to repeat, run after every migration'`.execute(
    db,
  );
}
