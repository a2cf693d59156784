type Document = { readonly components?: { readonly schemas?: object } };

const PREFIX = '#/components/schemas/';

/**
 * Leaves only those schemas in an OpenAPI document that something refers to, and calls one that only requests
 * use by its plain name: the generator describes each twice, as `Change` and `ChangeInput`.
 */
export function nameComponents<T extends object>(document: T): T {
  const { components, ...rest }: Document = document;
  const { schemas = {}, ...others } = components ?? {};
  const used = referred(rest, schemas);
  const nameOf = (name: string): string => {
    const plain = name.replace(/Input$/, '');
    return used.has(plain) ? name : plain;
  };
  const kept = Object.entries(schemas).filter(([name]) => used.has(name));
  const named = { ...document, components: { ...others, schemas: Object.fromEntries(kept) } };
  return JSON.parse(JSON.stringify(named), (key, value: unknown) => {
    if (key === '$ref' && typeof value === 'string' && value.startsWith(PREFIX)) {
      return PREFIX + nameOf(value.slice(PREFIX.length));
    }
    if (key !== 'schemas' || typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([name, one]) => [nameOf(name), one]));
  });
}

/** The names of schemas that `from` refers to, and those that they refer to. */
function referred(from: unknown, schemas: object): Set<string> {
  const contents = new Map<string, unknown>(Object.entries(schemas));
  const found = new Set<string>();
  const look = (at: unknown): void => {
    for (const [, name] of JSON.stringify(at).matchAll(
      /"\$ref":"#\/components\/schemas\/([^"]+)"/g,
    )) {
      if (name === undefined || found.has(name)) continue;
      found.add(name);
      look(contents.get(name));
    }
  };
  look(from);
  return found;
}
