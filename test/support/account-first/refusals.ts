import { DISTRIBUTION_COLUMN as ACCOUNT } from '../../../src/database/distribution/plan.ts';
import { isDistributed, readFrom } from './level.ts';
import { child, children, findAll, names, text, type Tree } from './tree.ts';

/**
 * What Citus 13 refuses, or answers otherwise without an error, as far as a statement shows it. What is of one account
 * runs on one node, as PostgreSQL runs it.
 */
export function refusalsOf(statement: Tree, isOfOneAccount: boolean): readonly string[] {
  const found: string[] = [];
  const tables = findAll(statement, 'RangeVar', []).map((range) => text(range, 'relname'));
  const targets = ['InsertStmt', 'UpdateStmt', 'DeleteStmt'].flatMap((kind) =>
    findAll(statement, kind, []).map((body) => text(child(body, 'relation'), 'relname')),
  );
  if (![...tables, ...targets].some(isDistributed)) return [];
  const functions = findAll(statement, 'FuncCall', []).map((call) =>
    names(call, 'funcname').at(-1)!,
  );
  if (functions.some((name) => name.includes('advisory'))) found.push('advisory lock on any node');
  if (functions.includes('pg_current_xact_id')) found.push('transaction ids of another node');
  if (functions.includes('set_config')) found.push('set_config reaches no other node');
  if (findAll(statement, 'GroupingSet', []).length > 0) found.push('grouping sets');
  if ('MergeStmt' in statement) found.push('merge');
  if (!isOfOneAccount) {
    for (const select of findAll(statement, 'SelectStmt', [])) found.push(...ofSelect(select));
  }
  for (const kind of ['UpdateStmt', 'OnConflictClause', 'onConflictClause']) {
    for (const body of findAll(statement, kind, [])) {
      if (usesInterval(children(body, 'targetList')))
        found.push('interval arithmetic in an update');
    }
  }
  found.push(...readsWhatItWrote(statement));
  return [...new Set(found)];
}

function ofSelect(select: Tree): readonly string[] {
  const { relations } = readFrom(children(select, 'fromClause'), new Map());
  const readsTable = relations.some(
    (relation) => relation.isDistributed || (!relation.isLateral && isPushedDown(relation.query)),
  );
  const found: string[] = [];
  const lateral = relations.filter(({ isLateral, query }) => isLateral && touches(query));
  if (lateral.length > 0 && !readsTable) found.push('lateral beside an array');
  const links = ['targetList', 'whereClause'].flatMap((key) =>
    findAll(select[key], 'SubLink', ['SubLink']),
  );
  const correlated = links.filter((link) => {
    const inner = child(link, 'subselect');
    return (
      touches(inner) &&
      qualifiers(inner).some((name) => relations.some((one) => one.alias === name))
    );
  });
  if (correlated.length > 0 && relations.length > 0 && !readsTable) {
    found.push('subquery beside an array');
  }
  const locks = children(select, 'lockingClause').map((one) => child(one, 'LockingClause'));
  if (locks.length > 0 && readsTable) {
    found.push('row locks in many accounts');
  }
  return found;
}

/** A part that is cut off by LIMIT is worked out before, and then is no table any more. */
function isPushedDown(query: Tree | undefined): boolean {
  return touches(query) && !('limitCount' in child(query ?? {}, 'SelectStmt'));
}

function touches(query: Tree | undefined): boolean {
  return findAll(query, 'RangeVar', []).some((range) => isDistributed(text(range, 'relname')));
}

function qualifiers(query: Tree): readonly string[] {
  return findAll(query, 'ColumnRef', []).map((column) => names(column, 'fields').at(-2) ?? '');
}

/** Whether a statement may name several accounts: by an array, or by a list of rows. */
export function namesManyAccounts(statement: Tree): boolean {
  const isArray = findAll(statement, 'A_Expr', []).some(
    (expression) =>
      ['AEXPR_OP_ANY', 'AEXPR_IN'].includes(text(expression, 'kind')) &&
      findAll(expression['lexpr'], 'ColumnRef', []).some(
        (one) => names(one, 'fields').at(-1) === ACCOUNT,
      ),
  );
  return (
    isArray ||
    findAll(statement, 'RangeFunction', []).length > 0 ||
    findAll(statement, 'RangeSubselect', []).some(
      (range) => 'valuesLists' in child(child(range, 'subquery'), 'SelectStmt'),
    )
  );
}

/** PostgreSQL counts it as stable, since a day may have 23 hours. */
function usesInterval(targets: readonly Tree[]): boolean {
  return findAll(targets, 'TypeCast', []).some((cast) =>
    names(child(cast, 'typeName'), 'names').includes('interval'),
  );
}

/** There, later parts of a statement see what earlier ones wrote. */
function readsWhatItWrote(statement: Tree): readonly string[] {
  const [kind = ''] = Object.keys(statement);
  const body = child(statement, kind);
  const ctes = children(child(body, 'withClause'), 'ctes');
  const parts = [
    ...ctes.map((cte) => child(child(cte, 'CommonTableExpr'), 'ctequery')),
    { [kind]: { ...body, withClause: null } },
  ];
  const written = new Set<string>();
  const found: string[] = [];
  for (const part of parts) {
    const reads = findAll(part, 'RangeVar', []).map((range) => text(range, 'relname'));
    for (const name of reads) if (written.has(name)) found.push(`reads ${name} after writing it`);
    for (const verb of ['InsertStmt', 'UpdateStmt', 'DeleteStmt']) {
      for (const one of findAll(part, verb, [])) {
        written.add(text(child(one, 'relation'), 'relname'));
      }
    }
  }
  return found;
}
