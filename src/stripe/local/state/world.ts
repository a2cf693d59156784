import type { Clock } from '../../../values/clock.ts';
import type { Change, Journal } from './journal.ts';
import type { JsonObject } from '../json.ts';
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
  /** The row put first, for tables that are used up from their old end. */
  readonly oldest: <T extends TableName>(table: T) => Tables[T] | undefined;
  /** The rows that Stripe will do something about by itself as time passes, without a walk through all. */
  readonly waiting: <T extends WaitingTable>(table: T) => readonly Tables[T][];
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
  readonly table: string;
  readonly id: string;
  readonly before: JsonObject | undefined;
};
type Draft = { readonly changes: Change[]; readonly undo: Undo[] };

export function openWorld({ clock, url, seed: freshSeed, journal }: WorldOptions): World {
  const tables = new Map<string, Map<string, JsonObject>>();
  const waitingIds = { invoice: new Set<string>(), 'checkout.session': new Set<string>() };
  let seed = freshSeed;
  let lastId = 0;
  let draft: Draft | null = null;

  const rowsOf = (table: string): Map<string, JsonObject> => {
    const rows = tables.get(table) ?? new Map<string, JsonObject>();
    tables.set(table, rows);
    return rows;
  };
  const setRow = (table: string, id: string, row: JsonObject | undefined): void => {
    const rows = rowsOf(table);
    if (row === undefined) rows.delete(id);
    else rows.set(id, row);
    if (isWaitingTable(table)) note(waitingIds[table], id, row !== undefined && WAITS[table](row));
  };
  const write = (table: string, id: string, row: JsonObject | null): void => {
    if (draft === null) throw new Error(`a write to ${table} outside a transaction`);
    draft.undo.push({ table, id, before: rowsOf(table).get(id) });
    draft.changes.push([table, id, row]);
    setRow(table, id, row ?? undefined);
  };
  const begin = (): Draft => {
    if (draft !== null) throw new Error('a transaction inside a transaction');
    return (draft = { changes: [], undo: [] });
  };
  const undo = (begun: Draft): void => {
    for (const { table, id, before } of begun.undo.toReversed()) setRow(table, id, before);
  };

  for (const entry of journal?.entries ?? []) {
    seed = entry.seed;
    lastId = entry.lastId;
    for (const [table, id, row] of entry.changes) setRow(table, id, row ?? undefined);
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
    oldest: <T extends TableName>(table: T) => {
      const [id] = rowsOf(table).keys();
      return id === undefined ? undefined : get(table, id);
    },
    waiting: <T extends WaitingTable>(table: T) =>
      [...waitingIds[table]].flatMap((id) => get(table, id) ?? []),
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

type WaitingTable = 'invoice' | 'checkout.session';

const WAITS: Readonly<Record<WaitingTable, (row: JsonObject) => boolean>> = {
  invoice: (row) => row['auto_advance'] === true,
  'checkout.session': (row) => row['status'] === 'open',
};

function isWaitingTable(table: string): table is WaitingTable {
  return table in WAITS;
}

function note(ids: Set<string>, id: string, isIn: boolean): void {
  if (isIn) ids.add(id);
  else ids.delete(id);
}
