import {
  DISTRIBUTED,
  DISTRIBUTION_COLUMN as ACCOUNT,
} from '../../../src/database/distribution/plan.ts';
import { child, children, isTree, names, text, type Tree, type Value } from './tree.ts';

/** What one FROM, UPDATE or DELETE puts side by side. */
export type Relation = {
  readonly alias: string;
  /** A table of accounts, or anything else: a local table, an array, an earlier part of the statement. */
  readonly isDistributed: boolean;
  readonly hasAccount: boolean;
  readonly isLateral: boolean;
  readonly query: Tree | undefined;
};

const VIEWS = ['standing_event'];

export function isDistributed(name: string): boolean {
  const of: readonly string[] = DISTRIBUTED;
  return of.includes(name) || VIEWS.includes(name) || name.startsWith('event_of_');
}

/** The relations of a list of FROM, and the conditions between them. */
export function readFrom(
  items: readonly Tree[],
  ctes: ReadonlyMap<string, boolean>,
): { readonly relations: readonly Relation[]; readonly conditions: readonly Value[] } {
  const relations: Relation[] = [];
  const conditions: Value[] = [];
  const visit = (item: Tree): void => {
    if ('RangeVar' in item) relations.push(tableOf(child(item, 'RangeVar'), ctes));
    else if ('RangeSubselect' in item) relations.push(subselect(child(item, 'RangeSubselect')));
    else if ('RangeFunction' in item) relations.push(given(child(item, 'RangeFunction')));
    else if ('JoinExpr' in item) {
      const join = child(item, 'JoinExpr');
      visit(child(join, 'larg'));
      const left = relations.length;
      visit(child(join, 'rarg'));
      if (isTree(join['quals'])) conditions.push(join['quals']);
      if (names(join, 'usingClause').includes(ACCOUNT)) {
        const from = relations.slice(0, left).find(({ hasAccount }) => hasAccount);
        const to = relations[left];
        if (from && to) conditions.push(equal(from.alias, to.alias));
      }
    }
  };
  for (const item of items) visit(item);
  return { relations, conditions };
}

/** What joining USING (account_id) says. */
function equal(left: string, right: string): Tree {
  const column = (alias: string): Tree => ({
    ColumnRef: { fields: [alias, ACCOUNT].map((sval) => ({ String: { sval } })) },
  });
  return {
    A_Expr: {
      kind: 'AEXPR_OP',
      name: [{ String: { sval: '=' } }],
      lexpr: column(left),
      rexpr: column(right),
    },
  };
}

export function tableOf(range: Tree, ctes: ReadonlyMap<string, boolean>): Relation {
  const name = text(range, 'relname');
  const isCte = ctes.has(name);
  return {
    alias: text(child(range, 'alias'), 'aliasname') || name,
    isDistributed: !isCte && isDistributed(name),
    hasAccount: isCte ? ctes.get(name)! : true,
    isLateral: false,
    query: undefined,
  };
}

function subselect(range: Tree): Relation {
  const alias = child(range, 'alias');
  const query = child(range, 'subquery');
  const columns = names(alias, 'colnames');
  return {
    alias: text(alias, 'aliasname'),
    isDistributed: false,
    hasAccount: columns.length > 0 ? columns.includes(ACCOUNT) : givesAccount(query),
    isLateral: range['lateral'] === true,
    query,
  };
}

function given(range: Tree): Relation {
  const alias = child(range, 'alias');
  const name = text(alias, 'aliasname');
  return {
    alias: name,
    isDistributed: false,
    hasAccount: name === ACCOUNT || names(alias, 'colnames').includes(ACCOUNT),
    isLateral: false,
    query: undefined,
  };
}

/** Whether a query has a column account_id; `*` may give one. */
export function givesAccount(query: Tree): boolean {
  const [kind] = Object.keys(query);
  const body = child(query, kind ?? '');
  const left = child(body, 'larg');
  if (Object.keys(left).length > 0) return givesAccount({ SelectStmt: left });
  const columns = [...children(body, 'targetList'), ...children(body, 'returningList')];
  const returning = children(child(body, 'returningClause'), 'exprs');
  return [...columns, ...returning].some((column) => {
    const target = child(column, 'ResTarget');
    const fields = names(child(child(target, 'val'), 'ColumnRef'), 'fields');
    const last = fields.at(-1);
    return (
      text(target, 'name') === ACCOUNT || (last === ACCOUNT && !target['name']) || last === '*'
    );
  });
}
