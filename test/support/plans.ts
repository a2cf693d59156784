import pg from 'pg';

/** One node of a plan that was run, as EXPLAIN shows it. */
export type PlanNode = {
  readonly 'Node Type': string;
  readonly 'Relation Name'?: string;
  readonly 'Index Name'?: string;
  readonly 'Index Cond'?: string;
  readonly 'Recheck Cond'?: string;
  readonly 'Actual Rows': number;
  readonly 'Actual Loops': number;
  readonly 'Rows Removed by Filter'?: number;
  readonly Plans?: readonly PlanNode[];
};

export type Plan = { readonly statement: string; readonly nodes: readonly PlanNode[] };

/**
 * From now on every statement of new connections to the pool's database leaves its plan here, with the rows it
 * really read, whichever pool of this process it comes from.
 */
export async function watchPlans(pool: pg.Pool): Promise<Plan[]> {
  const plans: Plan[] = [];
  const listen = ({ message }: { readonly message?: string | undefined }): void => {
    const json = /^duration: .* plan:\n(.*)$/s.exec(message ?? '')?.[1];
    if (json === undefined) return;
    const read = JSON.parse(json) as { 'Query Text': string; Plan: PlanNode };
    // Foreign keys of copied rows are checked by statements of the server's own, one row by its key for each.
    if (read['Query Text'].startsWith('SELECT 1 FROM ONLY ')) return;
    plans.push({ statement: read['Query Text'], nodes: nodesOf(read.Plan) });
  };
  const connect = pg.Client.prototype.connect;
  Object.assign(pg.Client.prototype, {
    connect(this: pg.Client, ...rest: readonly unknown[]) {
      this.on('notice', listen);
      return Reflect.apply(connect, this, rest) as unknown;
    },
  });
  const { rows } = await pool.query<{ name: string }>('select current_database() as name');
  for (const setting of SETTINGS) {
    await pool.query(`alter database ${rows[0]!.name} set ${setting}`);
  }
  // Those that are open already would not tell.
  const open = await Promise.all(
    Array.from({ length: pool.idleCount }, async () => await pool.connect()),
  );
  for (const client of open) client.release(true);
  return plans;
}

const SETTINGS = [
  "session_preload_libraries = 'auto_explain'",
  'auto_explain.log_min_duration = 0',
  'auto_explain.log_analyze = on',
  'auto_explain.log_timing = off',
  'auto_explain.log_format = json',
  'auto_explain.log_level = notice',
];

function nodesOf(node: PlanNode): PlanNode[] {
  return [node, ...(node.Plans ?? []).flatMap(nodesOf)];
}

/** How many rows a node looked at, those that it threw away among them. */
export function rowsRead(node: PlanNode): number {
  return (node['Actual Rows'] + (node['Rows Removed by Filter'] ?? 0)) * node['Actual Loops'];
}
