import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { cruise, type ICruiseResult } from 'dependency-cruiser';
import { beforeAll, expect, test } from 'vitest';

/**
 * The folders in the order an event passes them: each may import those before it, never one after it.
 * `values` imports nothing of ours.
 */
const STEPS = [
  'values',
  'database',
  'accounts',
  'events',
  'metering',
  'pricing',
  'limits',
  'platform',
  'sources',
  'login',
  'ledger',
  'invoicing',
  'proof',
  'archive',
  'stripe',
  'dunning',
] as const;

/** Ways in: they import steps, and nothing of each other. */
const EDGES = ['http', 'queue', 'cli', 'pages'] as const;

/** Frameworks stay where they belong. */
const HOMES: Readonly<Record<string, readonly RegExp[]>> = {
  fastify: [/^src\/http\//, /^src\/pages\//, /^src\/stripe\/local\//],
  bullmq: [/^src\/queue\//, /^src\/service\//],
  ioredis: [/^src\/queue\//],
  stripe: [/^src\/stripe\/gateway\.ts$/],
  commander: [/^src\/cli\//],
  preact: [/^src\/pages\//],
  pg: [/^src\/database\//, /^src\/queue\/connect-postgres\.ts$/, /^src\/service\//, /^src\/demo\//],
};

/** What may use kysely: the database, stores, and the verbs that open transactions. */
const PURE = [/^src\/values\//, /^src\/pricing\/(?!store|change-)/];

type Import = { readonly from: string; readonly to: string };
let ours: Import[] = [];
let packages: Import[] = [];
let files: string[] = [];

beforeAll(async () => {
  const result = await cruise(['src', 'migrations'], {
    tsPreCompilationDeps: true,
    // Its parser cannot read JSX; what those files import is read below.
    doNotFollow: { path: ['node_modules', String.raw`\.tsx$`] },
    parser: 'swc',
  });
  const { modules } = result.output as ICruiseResult;
  const pages = readdirSync('src', { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.tsx'))
    .map((file) => path.join('src', file));
  const imports = [
    ...modules.flatMap((module) =>
      module.dependencies.map((to) => ({ from: module.source, to: to.resolved })),
    ),
    ...pages.flatMap(importsOf),
  ];
  files = [...new Set([...modules.map(({ source }) => source), ...pages])].filter((file) =>
    /^(src|migrations)\//.test(file),
  );
  ours = imports.filter(({ to }) => to.startsWith('src/'));
  packages = imports.filter(({ to }) => to.includes('node_modules/'));
});

/** As prettier writes imports; those of packages lead into node_modules. */
function importsOf(file: string): Import[] {
  const statements = readFileSync(file, 'utf8').matchAll(
    /^(?:import|\} from|export .* from) ?(?:.* from )?'([^']+)';$/gm,
  );
  return [...statements].map(([, name = '']) => ({
    from: file,
    to: name.startsWith('.') ? path.join(path.dirname(file), name) : `node_modules/${name}`,
  }));
}

const folderOf = (file: string): string => file.split('/')[1] ?? '';
const show = ({ from, to }: Import): string => `${from} -> ${to}`;

test('the cruiser sees the code', () => {
  expect(files.length).toBeGreaterThan(50);
  expect(ours.length).toBeGreaterThan(100);
  const pages = ours.filter(({ from }) => from === 'src/pages/routes.tsx').map(({ to }) => to);
  expect(pages).toContain('src/pages/operator/routes.tsx');
  expect(pages).toContain('src/login/session-store.ts');
});

test('later steps import earlier ones, never the reverse', () => {
  const rank = (file: string): number => STEPS.indexOf(folderOf(file) as (typeof STEPS)[number]);
  const reversed = ours.filter(
    ({ from, to }) => rank(from) !== -1 && (rank(to) === -1 || rank(to) > rank(from)),
  );
  expect(reversed.map(show)).toEqual([]);
});

test('of two folders side by side one imports the other, never both each other', () => {
  const between = new Map<string, Import>();
  for (const one of ours) {
    const [source, target] = [path.dirname(one.from), path.dirname(one.to)];
    if (source !== target && path.dirname(source) === path.dirname(target)) {
      between.set(`${source} ${target}`, one);
    }
  }
  const mutual = [...between.keys()].filter((pair) => {
    return between.has(pair.split(' ').toReversed().join(' '));
  });
  expect(mutual.map((pair) => show(between.get(pair)!))).toEqual([]);
});

test('http, queue, cli and pages import steps and never each other', () => {
  const edges: readonly string[] = EDGES;
  const steps: readonly string[] = STEPS;
  const crossing = ours.filter(({ from, to }) => {
    const [source, target] = [folderOf(from), folderOf(to)];
    return edges.includes(source) && source !== target && !steps.includes(target);
  });
  expect(crossing.map(show)).toEqual([]);
});

test('frameworks stay in their folder', () => {
  const strays = packages.filter(({ from, to }) => {
    const name = /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(to)![1]!;
    const homes = HOMES[name];
    return homes !== undefined && !homes.some((home) => home.test(from));
  });
  expect(strays.filter(({ from }) => from.startsWith('src/')).map(show)).toEqual([]);
});

test('nouns know no database', () => {
  const tainted = [...ours, ...packages].filter(
    ({ from, to }) =>
      PURE.some((pure) => pure.test(from)) &&
      (/node_modules\/(kysely|pg)\//.test(to) || to.startsWith('src/database/')),
  );
  expect(tainted.map(show)).toEqual([]);
});

test('nothing imports in a circle', () => {
  const to = new Map<string, string[]>();
  for (const one of ours) to.set(one.from, [...(to.get(one.from) ?? []), one.to]);
  const done = new Set<string>();
  const circles: string[] = [];
  const visit = (file: string, trail: readonly string[]): void => {
    if (trail.includes(file))
      circles.push([...trail.slice(trail.indexOf(file)), file].join(' -> '));
    if (trail.includes(file) || done.has(file)) return;
    for (const next of to.get(file) ?? []) visit(next, [...trail, file]);
    done.add(file);
  };
  for (const file of files) visit(file, []);
  expect(circles).toEqual([]);
});

test('only config.ts reads the environment, only main.ts the wall clock', () => {
  const offenders = files.filter((file) => {
    const code = readFileSync(file, 'utf8').replaceAll(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '');
    const readsEnvironment = /process\.env/.test(code) && file !== 'src/config.ts';
    const readsClock = /Date\.now\(|new Date\(\)/.test(code) && file !== 'src/main.ts';
    return readsEnvironment || readsClock;
  });
  expect(offenders).toEqual([]);
});

test('no default exports, no barrels, no file past 300 lines', () => {
  const offenders = files.filter((file) => {
    if (file === 'src/database/tables.ts') return false;
    const code = readFileSync(file, 'utf8');
    const isBarrel = path.basename(file) === 'index.ts' || /^export \* from/m.test(code);
    return /^export default/m.test(code) || isBarrel || code.split('\n').length > 301;
  });
  expect(offenders).toEqual([]);
});

test('no file of the repository names a package registry', () => {
  const tracked = execFileSync('git', ['ls-files'], { encoding: 'utf8' }).trim().split('\n');
  const named = tracked.filter((file) =>
    /registry\.(npmjs|yarnpkg)\.|npm\.pkg\.github/.test(readFileSync(file, 'utf8')),
  );
  expect(named.filter((file) => file !== 'test/architecture.test.ts')).toEqual([]);
});
