import { DISTRIBUTION_COLUMN as ACCOUNT } from '../../../src/database/distribution/plan.ts';
import type { Relation } from './level.ts';
import { child, children, findAll, names, text, type Tree, type Value } from './tree.ts';

/** A value, an array, or a column of the query around. */
const ELSEWHERE = '';

/** Which relations of one level are held together by account. */
export type Bonds = {
  /** Bound to a value, an array, the query around, or what is no table of accounts. */
  readonly isBound: (relation: Relation) => boolean;
  readonly areTogether: (one: Relation, other: Relation) => boolean;
};

/** Follows the conditions that must all be true; what stands within an OR binds nothing. */
export function bondsOf(relations: readonly Relation[], conditions: readonly Value[]): Bonds {
  const group = new Map(relations.map(({ alias }) => [alias, alias]));
  group.set(ELSEWHERE, ELSEWHERE);
  const union = (one: string, other: string): void => {
    const [from, to] = [group.get(one)!, group.get(other)!];
    for (const [alias, at] of group) if (at === from) group.set(alias, to);
  };
  for (const condition of conditions.flatMap(conjuncts)) {
    for (const [left, right] of equalities(condition)) {
      const [one, other] = [sideOf(left, relations), sideOf(right, relations)];
      if (one.isAccount && (other.isAccount || other.isFree)) union(one.alias, other.alias);
      else if (other.isAccount && one.isFree) union(one.alias, other.alias);
    }
  }
  const isHold = ({ isDistributed }: Relation): boolean => !isDistributed;
  return {
    areTogether: (one, other) => group.get(one.alias) === group.get(other.alias),
    isBound: (relation) => {
      const own = group.get(relation.alias);
      return (
        own === group.get(ELSEWHERE) ||
        relations.some((other) => isHold(other) && group.get(other.alias) === own)
      );
    },
  };
}

function conjuncts(condition: Value): readonly Value[] {
  const and = child(condition as Tree, 'BoolExpr');
  if (text(and, 'boolop') === 'AND_EXPR') return children(and, 'args').flatMap(conjuncts);
  return [condition];
}

/** Pairs that a condition says are equal: of rows, their columns one by one. */
function equalities(condition: Value): readonly (readonly [Tree, Tree])[] {
  const tree = condition as Tree;
  if ('SubLink' in tree) {
    const link = child(tree, 'SubLink');
    if (text(link, 'subLinkType') !== 'ANY_SUBLINK') return [];
    return columnsOf(child(link, 'testexpr')).map((column) => [column, {}]);
  }
  const expression = child(tree, 'A_Expr');
  if (names(expression, 'name').join('') !== '=') return [];
  const [left, right] = [child(expression, 'lexpr'), child(expression, 'rexpr')];
  switch (text(expression, 'kind')) {
    case 'AEXPR_OP': {
      const others = columnsOf(right);
      return columnsOf(left).map((column, position) => [column, others[position] ?? {}]);
    }
    case 'AEXPR_OP_ANY':
    case 'AEXPR_IN':
      return columnsOf(left).map((column) => [column, {}]);
    default:
      return [];
  }
}

function columnsOf(tree: Tree): readonly Tree[] {
  return 'RowExpr' in tree ? children(child(tree, 'RowExpr'), 'args') : [tree];
}

type Side = {
  readonly alias: string;
  readonly isAccount: boolean;
  /** Of no table of accounts: whatever it is called, it may be an account. */
  readonly isFree: boolean;
};

function sideOf(tree: Tree, relations: readonly Relation[]): Side {
  const elsewhere = { alias: ELSEWHERE, isAccount: false, isFree: true };
  const cast = child(tree, 'TypeCast');
  if ('arg' in cast) return sideOf(child(cast, 'arg'), relations);
  // A value that is worked out of columns of this level is none that is known before.
  const isColumn = 'ColumnRef' in tree;
  if (!isColumn) {
    const isWorkedOut = findAll(tree, 'ColumnRef', ['SubLink']).length > 0;
    return { ...elsewhere, isFree: !isWorkedOut };
  }
  const fields = names(child(tree, 'ColumnRef'), 'fields');
  const column = fields.at(-1)!;
  const qualifier = fields.at(-2);
  const of =
    qualifier === undefined
      ? relations.find(
          ({ alias, hasAccount, isDistributed }) =>
            (column === ACCOUNT && hasAccount) || (!isDistributed && alias === column),
        )
      : relations.find(({ alias }) => alias === qualifier);
  if (of === undefined) {
    return qualifier === undefined && column !== ACCOUNT
      ? { ...elsewhere, isFree: false }
      : elsewhere;
  }
  return {
    alias: of.alias,
    isAccount: column === ACCOUNT,
    isFree: !of.isDistributed,
  };
}
