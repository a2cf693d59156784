import { randomBytes } from 'node:crypto';
import type { Clock } from '../../values/clock.ts';
import { addControlRoutes } from './http/control-server.ts';
import { addPagesForPeople } from './http/pages-for-people.ts';
import { makeControls, type Controls } from './controls.ts';
import { makeDue } from './due.ts';
import { makeFaults, type Faults } from './faults.ts';
import { openKeys } from './http/idempotency.ts';
import { openJournal } from './state/journal.ts';
import { makeLimiter, type RateLimits } from './http/limits.ts';
import { makePipeline } from './http/pipeline.ts';
import { keepEndpoint } from './events/webhook-endpoints.ts';
import { makeServer } from './http/server.ts';
import { makeWebhooks } from './events/webhooks.ts';
import { openWorld } from './state/world.ts';

export type LocalStripeOptions = {
  readonly clock: Clock;
  readonly environment: 'production' | 'development' | 'test';
  /** A free one when absent. */
  readonly port?: number;
  /** 127.0.0.1 when absent. */
  readonly host?: string;
  /** Keeps the state over restarts, also after kill -9; memory only when absent. */
  readonly journalFile?: string;
  /** Where events go, signed with this secret (`whsec_...`); more endpoints can be made through the API. */
  readonly webhooks?: { readonly url: string; readonly secret: string };
  readonly rateLimits?: RateLimits;
  /** Part of every id; random when absent, so that two instances share no id. Letters and digits. */
  readonly seed?: string;
  readonly log?: (line: string) => void;
};

export type LocalStripe = Controls & {
  readonly url: string;
  readonly host: string;
  readonly port: number;
  readonly faults: Pick<Faults, 'add' | 'clear' | 'release' | 'list'>;
  /** This server's time: the clock it was given plus what it was advanced by. */
  readonly now: () => Date;
  /** Moves its clock on and does all that comes due on the way, in order, webhooks included. */
  readonly advance: (ms: number) => Promise<void>;
  /** Does what is due by now. */
  readonly tick: () => void;
  /** Resolves when every event due has been sent once. */
  readonly drainWebhooks: () => Promise<void>;
  /** Safe to repeat. What hangs is dropped; undelivered webhooks stay in the journal. */
  readonly close: () => Promise<void>;
};

const TICK_MS = 1000;

/**
 * Starts an imitation of Stripe's HTTP API with state, faults on demand and a clock of its own. Only for demo and tests:
 * it refuses production, and takes test keys only.
 */
export async function startLocalStripe(options: LocalStripeOptions): Promise<LocalStripe> {
  if (options.environment === 'production') {
    throw new Error(
      'The local Stripe takes no real money and does not start in production: set STRIPE_API_KEY to a key of your Stripe account.',
    );
  }
  const host = options.host ?? '127.0.0.1';
  let url = '';
  const journal = options.journalFile === undefined ? undefined : openJournal(options.journalFile);
  const seed = options.seed ?? freshSeed();
  const world = openWorld({ clock: options.clock, url: () => url, seed, journal });
  const faults = makeFaults();
  const keys = openKeys(world);
  const webhooks = makeWebhooks(world, faults);
  const due = makeDue(world, keys, webhooks);
  const limiter = makeLimiter(world, options.rateLimits ?? {});
  const server = makeServer(
    makePipeline({ world, keys, faults, webhooks, limiter, catchUp: due.catchUp }),
  );
  const controls = makeControls(world, webhooks.kick);
  addControlRoutes(server, { world, controls, faults, due, webhooks });
  addPagesForPeople(server, { world, controls });

  await server.listen({ host, port: options.port ?? 0 });
  const address = server.server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  url = `http://${host}:${port}`;
  const { webhooks: endpoint } = options;
  if (endpoint !== undefined) world.transaction(() => keepEndpoint(world, endpoint));
  const tick = (): void => {
    due.catchUp();
    webhooks.kick();
  };
  const ticking = setInterval(tick, TICK_MS).unref();
  options.log?.(`local Stripe at ${url}`);

  let closing: Promise<void> | undefined;
  const close = async (): Promise<void> => {
    clearInterval(ticking);
    await webhooks.stop();
    faults.clear();
    await server.close();
    journal?.close();
  };

  return {
    ...controls,
    url,
    host,
    port,
    faults,
    now: () => new Date(world.nowMs()),
    advance: due.advance,
    tick,
    drainWebhooks: webhooks.drain,
    close: () => (closing ??= close()),
  };
}

/** Eight letters: digits beside the counter could be taken for a card number by a scan of our logs. */
function freshSeed(): string {
  const letters = 'abcdefghijklmnop';
  return Array.from(randomBytes(8), (byte) => letters[byte % letters.length]).join('');
}
