import { chmod, mkdtemp, mkdir, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

/**
 * A stand-in for Citus, which cannot be had where tests run: an extension of that name with the functions and the
 * catalogue we use, which moves nothing. It records what was asked, and refuses what Citus 13 is known to refuse
 * about keys, foreign keys and triggers. So the tests hold what we ask for and in which order, not what Citus makes
 * of it. Answers the folder for PostgreSQL's setting extension_control_path.
 */
export async function makeStandIn(): Promise<string> {
  const folder = await mkdtemp(path.join(tmpdir(), 'citus-stand-in-'));
  // The server may be another user's.
  await chmod(folder, 0o755);
  await mkdir(path.join(folder, 'extension'));
  const write = async (name: string, text: string): Promise<void> =>
    await writeFile(path.join(folder, 'extension', name), text);
  await write(
    'citus.control',
    "comment = 'stand-in'\ndefault_version = '13.0'\nschema = public\nrelocatable = false\ntrusted = false\n",
  );
  await write('citus--13.0.sql', SCRIPT);
  return folder;
}

const SCRIPT = `
create table pg_dist_partition (
  logicalrelid regclass primary key,
  partkey text not null,
  colocated text not null,
  turn bigint generated always as identity
);
create table truncated (logicalrelid regclass primary key);

create function create_distributed_table(table_name regclass, distribution_column text,
  distribution_type text default 'hash', colocate_with text default 'default', shard_count int default null)
returns void language plpgsql as $$
declare
  offender text;
begin
  if exists (select from pg_dist_partition where logicalrelid = table_name) then
    raise exception 'table "%" is already distributed', table_name;
  end if;
  if colocate_with <> 'none'
    and not exists (select from pg_dist_partition where logicalrelid = colocate_with::regclass) then
    raise exception 'relation % is not distributed', colocate_with;
  end if;
  if current_setting('citus.enable_unsafe_triggers', true) is distinct from 'on'
    and exists (select from pg_trigger where tgrelid = table_name and not tgisinternal) then
    raise exception 'cannot distribute relation "%" because it has triggers', table_name;
  end if;
  select c.relname into offender from pg_index x join pg_class c on c.oid = indexrelid
    where indrelid = table_name and (indisunique or indisexclusion) and not exists (
      select from pg_attribute where attrelid = table_name and attname = distribution_column
        and attnum = any (indkey::int2[]));
  if found then
    raise exception 'cannot create constraint "%" that does not include the distribution column', offender;
  end if;
  select conname into offender from pg_constraint
    where contype = 'f' and conrelid = table_name and confrelid <> table_name
      and confrelid not in (select logicalrelid from pg_dist_partition);
  if found then
    raise exception 'cannot create foreign key constraint "%": relations are not colocated', offender;
  end if;
  insert into pg_dist_partition values (table_name, distribution_column, colocate_with);
  insert into pg_dist_partition
    select inhrelid, distribution_column, colocate_with from pg_inherits where inhparent = table_name;
end $$;

create function truncate_local_data_after_distributing_table(function_name regclass)
returns void language plpgsql as $$
declare
  offender text;
begin
  select conname into offender from pg_constraint
    where contype = 'f' and confrelid = function_name
      and conrelid not in (select logicalrelid from pg_dist_partition);
  if found then
    raise exception 'cannot truncate a table referenced in a foreign key constraint by a local table: %', offender;
  end if;
  insert into truncated values (function_name) on conflict do nothing;
end $$;
`;
