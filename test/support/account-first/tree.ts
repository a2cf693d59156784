/** A node of PostgreSQL's parse tree, as libpg-query shows it. */
export type Tree = { readonly [key: string]: Value | undefined };
export type Value = string | number | boolean | null | Tree | readonly Value[];

export function isTree(value: Value | undefined): value is Tree {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A child, or an empty node. */
export function child(tree: Tree, key: string): Tree {
  const value = tree[key];
  return isTree(value) ? value : {};
}

export function children(tree: Tree, key: string): readonly Tree[] {
  const value = tree[key];
  return Array.isArray(value) ? (value as readonly Value[]).filter(isTree) : [];
}

export function text(tree: Tree, key: string): string {
  const value = tree[key];
  return typeof value === 'string' ? value : '';
}

/** The strings of a list of names: the fields of a column, the parts of a function's name. */
export function names(tree: Tree, key: string): readonly string[] {
  return children(tree, key).map((part) =>
    'A_Star' in part ? '*' : text(child(part, 'String'), 'sval'),
  );
}

/** All nodes of a kind below; kinds in `except` are not looked into, though they may be what is sought. */
export function findAll(from: Value | undefined, kind: string, except: readonly string[]): Tree[] {
  if (Array.isArray(from)) {
    return (from as readonly Value[]).flatMap((one) => findAll(one, kind, except));
  }
  if (!isTree(from)) return [];
  return Object.entries(from).flatMap(([key, value]) => {
    const found = key === kind && isTree(value) ? [value] : [];
    return except.includes(key) ? found : [...found, ...findAll(value, kind, except)];
  });
}
