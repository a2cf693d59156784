import { loadModule, parseSync } from 'libpg-query';
import { DISTRIBUTION_COLUMN as ACCOUNT } from '../../../src/database/distribution/plan.ts';
import { bondsOf } from './bonds.ts';
import { givesAccount, isDistributed, readFrom, tableOf, type Relation } from './level.ts';
import { namesManyAccounts, refusalsOf } from './refusals.ts';
import { child, children, findAll, isTree, names, text, type Tree, type Value } from './tree.ts';

await loadModule();

export type Finding =
  /** Tables of accounts side by side, and not by account: Citus refuses it, or moves rows between nodes. */
  | 'not by account'
  /** Asks every node: right for work that is due in any account, wrong on the way of one account. */
  | 'all accounts'
  /** Citus is known to refuse it, or to answer something else. */
  | `refused: ${string}`;

/** What stands against running a statement on tables distributed by account; nothing for most. */
export function analyse(statement: string): readonly Finding[] {
  const findings = new Set<Finding>();
  const parsed = parseSync(statement) as unknown as Tree;
  for (const one of children(parsed, 'stmts')) {
    const tree = child(one, 'stmt');
    visit(tree, new Map(), (finding) => findings.add(finding));
    const isOfOne = findings.size === 0 && !namesManyAccounts(tree);
    for (const refusal of refusalsOf(tree, isOfOne)) findings.add(`refused: ${refusal}`);
  }
  return [...findings].toSorted();
}

/** Names of earlier parts of a statement, and whether they have a column account_id. */
type Ctes = ReadonlyMap<string, boolean>;
type Report = (finding: Finding) => void;

function visit(query: Tree, outerCtes: Ctes, report: Report): void {
  const [kind = ''] = Object.keys(query);
  const body = child(query, kind);
  const ctes = new Map(outerCtes);
  for (const item of children(child(body, 'withClause'), 'ctes')) {
    const cte = child(item, 'CommonTableExpr');
    const columns = names(cte, 'aliascolnames');
    const inner = child(cte, 'ctequery');
    const has = columns.length > 0 ? columns.includes(ACCOUNT) : givesAccount(inner);
    visit(inner, new Map([...ctes, [text(cte, 'ctename'), has]]), report);
    ctes.set(text(cte, 'ctename'), has);
  }
  switch (kind) {
    case 'SelectStmt':
      for (const side of ['larg', 'rarg']) {
        if (isTree(body[side])) visit({ SelectStmt: body[side] }, ctes, report);
      }
      return level(body, children(body, 'fromClause'), [], ctes, report);
    case 'UpdateStmt':
      return level(body, children(body, 'fromClause'), [child(body, 'relation')], ctes, report);
    case 'DeleteStmt':
      return level(body, children(body, 'usingClause'), [child(body, 'relation')], ctes, report);
    case 'InsertStmt':
      return insert(body, ctes, report);
    case 'CopyStmt':
      if (
        isDistributed(text(child(body, 'relation'), 'relname')) &&
        !names(body, 'attlist').includes(ACCOUNT)
      ) {
        report('not by account');
      }
      return;
    case 'CreateTableAsStmt':
      return visit(child(body, 'query'), ctes, report);
    default:
      return;
  }
}

function insert(body: Tree, ctes: Ctes, report: Report): void {
  const select = child(body, 'selectStmt');
  visit(select, ctes, report);
  if (!isDistributed(text(child(body, 'relation'), 'relname'))) return;
  const columns = children(body, 'cols').map((one) => text(child(one, 'ResTarget'), 'name'));
  const infer = children(child(child(body, 'onConflictClause'), 'infer'), 'indexElems');
  const key = infer.map((one) => text(child(one, 'IndexElem'), 'name'));
  if (columns.length > 0 && !columns.includes(ACCOUNT)) report('not by account');
  if (key.length > 0 && !key.includes(ACCOUNT)) report('not by account');
}

function level(
  body: Tree,
  from: readonly Tree[],
  target: readonly Tree[],
  ctes: Ctes,
  report: Report,
): void {
  const read = readFrom(from, ctes);
  const relations: readonly Relation[] = [
    ...target.map((one) => tableOf(one, new Map())),
    ...read.relations,
  ];
  for (const { query } of relations) if (query) visit(query, ctes, report);
  const parts: readonly (Value | undefined)[] = Object.entries(body)
    .filter(([key]) => !['withClause', 'fromClause', 'usingClause', 'larg', 'rarg'].includes(key))
    .map(([, value]) => value);
  const links = [...parts, ...read.conditions].flatMap((part) =>
    findAll(part, 'SubLink', ['SubLink']),
  );
  for (const link of links) visit(child(link, 'subselect'), ctes, report);
  const where = body['whereClause'];
  const bonds = bondsOf(
    relations,
    where === undefined ? read.conditions : [...read.conditions, where],
  );
  const distributed = relations.filter((relation) => relation.isDistributed);
  const free = distributed.filter((relation) => !bonds.isBound(relation));
  if (free.length === 0) return;
  report('all accounts');
  // Bound or free, whatever does not hang together by account would have to be brought together.
  if (distributed.some((relation) => !bonds.areTogether(relation, free[0]!))) {
    report('not by account');
  }
}
