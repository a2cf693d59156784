import type { Clock } from '../../values/clock.ts';
import type { Change, Journal } from './journal.ts';
import type { JsonObject } from './json.ts';
import type { TableName, Tables } from './tables.ts';

/** Everything the local Stripe remembers, and its clock. Rows are never changed in place, only replaced. */
export type World = {
  readonly nowMs: () => number;
  /** Whole seconds, as Stripe's `created`. */
  readonly now: () => number;
  /** Puts the clock at an instant by changing its offset; takes part in the running transaction. */
  readonly moveClockTo: (atMs: number) => void;
  readonly newId: (prefix: string) => string;
  readonly get: <T extends TableName>(table: T, id: string) => Tables[T] | undefined;
  /** Oldest first. */
  readonly all: <T extends TableName>(table: T) => readonly Tables[T][];
  readonly put: <T extends TableName>(table: T, row: Tables[T]) => void;
  readonly remove: (table: TableName, id: string) => void;
  /** Runs `work` as one mutation: journaled as one line when it returns, undone when it throws. */
  readonly transaction: <R>(work: () => R) => R;
  /** Runs `work` and undoes it whatever happens. */
  readonly dryRun: <R>(work: () => R) => R;
  /** Where browsers find this server, for links in objects. */
  readonly url: () => string;
};

export type WorldOptions = {
  readonly clock: Clock;
  readonly url: () => string;
  /** Makes ids differ between instances, so that a database that outlives one of them meets no id twice. */
  readonly seed: string;
  readonly journal?: Journal | undefined;
};

type Undo = {
  readonly rows: Map<string, JsonObject>;
  readonly id: string;
  readonly before: JsonObject | undefined;
};
type Draft = { readonly changes: Change[]; readonly undo: Undo[] };

export function openWorld({ clock, url, seed: freshSeed, journal }: WorldOptions): World {
  const tables = new Map<string, Map<string, JsonObject>>();
  let seed = freshSeed;
  let lastId = 0;
  let draft: Draft | null = null;

  const rowsOf = (table: string): Map<string, JsonObject> => {
    const rows = tables.get(table) ?? new Map<string, JsonObject>();
    tables.set(table, rows);
    return rows;
  };
  const write = (table: string, id: string, row: JsonObject | null): void => {
    if (draft === null) throw new Error(`a write to ${table} outside a transaction`);
    const rows = rowsOf(table);
    draft.undo.push({ rows, id, before: rows.get(id) });
    draft.changes.push([table, id, row]);
    setRow(rows, id, row ?? undefined);
  };
  const begin = (): Draft => {
    if (draft !== null) throw new Error('a transaction inside a transaction');
    return (draft = { changes: [], undo: [] });
  };
  const undo = (begun: Draft): void => {
    for (const { rows, id, before } of begun.undo.toReversed()) setRow(rows, id, before);
  };

  for (const entry of journal?.entries ?? []) {
    seed = entry.seed;
    lastId = entry.lastId;
    for (const [table, id, row] of entry.changes) setRow(rowsOf(table), id, row ?? undefined);
  }

  // A row's type follows from its table: put() and the journal it wrote are the only ways in.
  const get = <T extends TableName>(table: T, id: string): Tables[T] | undefined =>
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion
    rowsOf(table).get(id) as Tables[T] | undefined;
  const nowMs = (): number => clock().getTime() + (get('local.clock', 'clock')?.offsetMs ?? 0);
  const put: World['put'] = (table, row) => write(table, row.id, row);

  return {
    nowMs,
    now: () => Math.floor(nowMs() / 1000),
    moveClockTo: (atMs) => put('local.clock', { id: 'clock', offsetMs: atMs - clock().getTime() }),
    newId: (prefix) => `${prefix}1${seed}${(++lastId).toString(36).padStart(6, '0')}`,
    get,
    all: <T extends TableName>(table: T) =>
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion
      [...rowsOf(table).values()] as unknown as readonly Tables[T][],
    put,
    remove: (table, id) => write(table, id, null),
    transaction: (work) => {
      const begun = begin();
      try {
        const result = work();
        if (begun.changes.length > 0) journal?.append({ seed, lastId, changes: begun.changes });
        return result;
      } catch (error) {
        undo(begun);
        throw error;
      } finally {
        draft = null;
      }
    },
    dryRun: (work) => {
      const begun = begin();
      try {
        return work();
      } finally {
        undo(begun);
        draft = null;
      }
    },
    url,
  };
}

function setRow(rows: Map<string, JsonObject>, id: string, row: JsonObject | undefined): void {
  if (row === undefined) rows.delete(id);
  else rows.set(id, row);
}
