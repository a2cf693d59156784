import { performance } from 'node:perf_hooks';
import { parseArgs } from 'node:util';
import { isReached, tableOf, type Figure } from './figures.ts';
import type { Scenario, Size } from './scenario.ts';
import { close } from './scenarios/close.ts';
import { ingest } from './scenarios/ingest.ts';
import { issue } from './scenarios/issue.ts';
import { wholeProcess } from './scenarios/process.ts';
import { rebuild } from './scenarios/rebuild.ts';
import { usage } from './scenarios/usage.ts';
import { waysIn } from './scenarios/ways-in.ts';
import { startServers } from './servers.ts';

const SCENARIOS: readonly Scenario[] = [ingest, waysIn, usage, close, issue, rebuild, wholeProcess];
const SIZES: readonly string[] = ['small', 'default', 'large'] satisfies Size[];

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    size: { type: 'string', default: 'default' },
    json: { type: 'boolean', default: false },
  },
});
const chosen = SCENARIOS.filter(
  ({ name }) => positionals.length === 0 || positionals.includes(name),
);
const unknown = positionals.filter((name) => !SCENARIOS.some((one) => one.name === name));
if (unknown.length > 0 || !SIZES.includes(values.size)) {
  console.error(
    `npm run bench -- [SCENARIO …] [--size ${SIZES.join('|')}] [--json]\n${SCENARIOS.map(({ name, about }) => `  ${name}  ${about}`).join('\n')}`,
  );
  process.exit(2);
}

const servers = await startServers();
const figures: Figure[] = [];
const seconds: Record<string, number> = {};
try {
  for (const { name, about, run } of chosen) {
    console.error(`${name}: ${about} …`);
    const start = performance.now();
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- checked above
    figures.push(...(await run(servers, values.size as Size)));
    seconds[name] = Math.round((performance.now() - start) / 100) / 10;
  }
} finally {
  await servers.stop();
}
if (values.json) {
  const results = figures.map((figure) => ({ ...figure, isReached: isReached(figure) ?? null }));
  console.log(JSON.stringify({ size: values.size, seconds, figures: results }, null, 2));
} else {
  console.log(tableOf(figures));
  console.error(`took ${JSON.stringify(seconds)} seconds`);
}
