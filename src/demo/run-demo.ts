import { join } from 'node:path';
import type { Logger } from 'pino';
import { SCOPES } from '../accounts/api-key.ts';
import { issueOperatorKey } from '../accounts/api-key-store.ts';
import type { DemoOptions } from '../cli/context.ts';
import { printJson, terminal, type Output } from '../cli/output.ts';
import type { Config } from '../config.ts';
import { makeSignInLink } from '../login/sign-in-link.ts';
import { startService, type Service } from '../service/start-service.ts';
import type { Clock } from '../values/clock.ts';
import { demoDatabase } from './demo-database.ts';
import { live } from './live.ts';
import { demoToJson, demoToText } from './report.ts';
import { samplePlatform } from './sample-platform.ts';
import { causeTrouble, giveCredit } from './trouble.ts';

/**
 * Lives some months of a small platform in a few seconds, through the real parts: events go over the queue
 * into an embedded database, periods are closed on their day, invoices issued and collected at the local
 * Stripe. Then it shows what came of it and goes on serving until `stopped`. Every run starts anew.
 */
export async function runDemo(
  config: Config,
  wallClock: Clock,
  log: Logger,
  options: DemoOptions,
  stopped: Promise<string>,
): Promise<number> {
  const output = terminal;
  const database = await demoDatabase(join(config.dataDir, 'demo'), log);
  let clock = wallClock;
  const service = await startService(
    {
      ...config,
      environment: 'development',
      databaseUrl: database.url,
      redisUrl: undefined,
      dataDir: database.folder,
      // Nobody connects to a demo that ends at once; it should not mind one that is running.
      port: options.exit ? 0 : config.port,
      stripe: { ...config.stripe, apiKey: undefined },
    },
    () => clock(),
    log,
  );
  try {
    const accounts = samplePlatform(wallClock());
    output.note('Living the past months of a small platform …');
    await live(
      service,
      accounts,
      wallClock(),
      (at) => (clock = () => at),
      (line) => output.note(line),
    );
    await causeTrouble(service, clock());
    await giveCredit(service, clock());
    clock = wallClock;
    if (options.json) printJson(output, await demoToJson(service.database.db, accounts, clock()));
    else output.data(await demoToText(service.database.db, accounts, clock()));
    if (!options.exit) await keepServing(service, output, clock, stopped);
    return 0;
  } finally {
    await service.stop();
    await database.stop();
  }
}

/** What there is to look at, and by whom: an operator, or the owner of an account. */
const LOOKS: readonly (readonly [about: string, accountId: string | undefined])[] = [
  ["an operator's day", undefined],
  ['the bill of a growing account', 'startup'],
  ['the free tier', 'hobby'],
  ['a declined card', 'declined'],
];
const LOOK_WIDTH = Math.max(...LOOKS.map(([about]) => about.length));
const OPERATOR = { scopes: SCOPES, label: 'demo' };
/** Nobody else reaches a demo, and its reader may look at everything before. */
const LINK_MS = 86_400_000;

async function keepServing(
  service: Service,
  output: Output,
  clock: Clock,
  stopped: Promise<string>,
): Promise<void> {
  await service.startSchedules();
  output.note(`\nServing at ${service.url} until Ctrl-C. To look at, each link once:\n`);
  for (const [about, accountId] of LOOKS) {
    const signIn = { accountId, actor: 'demo' };
    const { path } = await makeSignInLink(service.database.db, clock(), signIn, LINK_MS);
    output.note(`  ${about.padEnd(LOOK_WIDTH)}  ${service.url}${path}`);
  }
  const { secret } = await issueOperatorKey(service.database.db, clock(), OPERATOR);
  output.note(
    `\nOne browser holds one session. Signs in as an operator as often as you like, and is good for /v1, too:\n\n  ${secret}`,
  );
  await stopped;
  output.note('Stopping.');
}
