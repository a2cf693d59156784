import { z } from 'zod';
import { MAX_REPLICAS_CEILING } from './events/schema.ts';
import { Fault } from './values/fault.ts';

const text = z.string().trim().min(1).optional();
const wholeNumber = z
  .string()
  .regex(/^\d{1,9}$/, 'must be a whole number')
  .transform(Number);

/** Where a server listens; the paths on it, which begin with /v1, are Stripe's. */
const serverUrl = text.refine(
  (url) => url === undefined || isServerUrl(url),
  'must be http:// or https:// with a host, perhaps a port, and no path of its own, such as http://127.0.0.1:12111',
);

function isServerUrl(address: string): boolean {
  if (!URL.canParse(address)) return false;
  const { protocol, href, origin } = new URL(address);
  return /^https?:$/.test(protocol) && /^\/(v1\/?)?$/.test(href.slice(origin.length));
}

const rate = wholeNumber.refine((number) => number > 0, 'must be at least 1');

/** Every setting with what it means; README lists the same. */
const environment = z.object({
  NODE_ENV: z.enum(['development', 'test', 'production']).default('development'),
  /** PostgreSQL to use; without it an embedded one runs under DATA_DIR. */
  DATABASE_URL: text,
  /** Redis for BullMQ; without it BullMQ uses the PostgreSQL database. */
  REDIS_URL: text,
  DATA_DIR: z.string().trim().min(1).default('.data'),
  HOST: z.string().trim().min(1).default('127.0.0.1'),
  PORT: wholeNumber.default(4000),
  LOG_LEVEL: z.enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']).default('info'),
  /** Most replicas of one app (R9). */
  MAX_REPLICAS: wholeNumber.default(1000),
  /** How long after its end a period waits for late facts before it is closed. */
  CLOSE_GRACE_SECONDS: wholeNumber.default(3600),
  /** How long a stop waits for what is under way; less than what stops the process by force grants it. */
  SHUTDOWN_SECONDS: wholeNumber.default(25),
  /** Where months of events go that are old enough; without it none is archived. */
  ARCHIVE_DIR: text,
  /** How many months ago an archived month is at least; default two more than corrections reach back. */
  ARCHIVE_AFTER_MONTHS: wholeNumber.optional(),
  /** sk_… or rk_…; without it the local Stripe is used, which production refuses. */
  STRIPE_API_KEY: text,
  /** Another server that speaks Stripe's API, such as http://127.0.0.1:12111. */
  STRIPE_API_BASE: serverUrl,
  /** Signing secrets of the webhook endpoint, two while rotating, separated by a comma. */
  STRIPE_WEBHOOK_SECRETS: text,
  /** Most calls of all processes together; default 60 with a live key, 20 with a test key. */
  STRIPE_CALLS_PER_SECOND: rate.optional(),
  /** Most calls of one kind, such as finalizing invoices. */
  STRIPE_ENDPOINT_CALLS_PER_SECOND: rate.default(15),
  /** Days after its issue on which an unpaid invoice is tried (R41c). */
  PAYMENT_ATTEMPT_DAYS: z
    .string()
    .regex(/^\d{1,3}(,\d{1,3})*$/, 'must be days separated by commas, such as 0,1,3,7')
    .default('0,1,3,7'),
  /** Proxies in front of us whose X-Forwarded-For counts: addresses or networks, separated by commas. */
  TRUSTED_PROXIES: text,
  /** Requests a minute of one operator's key; so many that only a runaway client meets it. */
  RATE_LIMIT_OPERATOR_KEY: wholeNumber.default(600_000),
  /** Requests a minute of one account's key. */
  RATE_LIMIT_ACCOUNT_KEY: wholeNumber.default(1200),
  /** Requests a minute of one address without a good key, wrong passwords among them. */
  RATE_LIMIT_REFUSED: wholeNumber.default(300),
});

export type Config = {
  readonly environment: 'development' | 'test' | 'production';
  readonly databaseUrl: string | undefined;
  readonly redisUrl: string | undefined;
  readonly dataDir: string;
  readonly host: string;
  readonly port: number;
  readonly logLevel: string;
  readonly maxReplicas: number;
  readonly closeGraceSeconds: bigint;
  readonly shutdownSeconds: number;
  readonly archive: {
    readonly directory: string | undefined;
    readonly afterMonths: number | undefined;
  };
  readonly http: {
    readonly trustedProxies: readonly string[];
    /** Requests a minute. */
    readonly rateLimits: {
      readonly operatorKey: number;
      readonly accountKey: number;
      readonly refusedAddress: number;
    };
  };
  readonly stripe: {
    readonly apiKey: string | undefined;
    readonly apiBase: string | undefined;
    readonly webhookSecrets: readonly string[];
    readonly callsPerSecond: number | undefined;
    readonly endpointCallsPerSecond: number;
    readonly paymentAttemptDays: readonly number[];
  };
};

/** Reads and checks the environment, once. Throws a Fault that names the variable and its mistake. */
export function readConfig(env: NodeJS.ProcessEnv = process.env): Config {
  // A variable set to nothing is not set.
  const given = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== ''));
  const parsed = environment.safeParse(given);
  if (!parsed.success) {
    const { path, message } = parsed.error.issues[0]!;
    throw new Fault('invalid', 'invalid_setting', `the setting ${path.join('.')} ${message}`);
  }
  const settings = parsed.data;
  if (settings.MAX_REPLICAS < 1 || settings.MAX_REPLICAS > MAX_REPLICAS_CEILING) {
    const rule = `must be from 1 to ${MAX_REPLICAS_CEILING}`;
    throw new Fault('invalid', 'invalid_setting', `the setting MAX_REPLICAS ${rule}`);
  }
  return {
    environment: settings.NODE_ENV,
    databaseUrl: settings.DATABASE_URL,
    redisUrl: settings.REDIS_URL,
    dataDir: settings.DATA_DIR,
    host: settings.HOST,
    port: settings.PORT,
    logLevel: settings.LOG_LEVEL,
    maxReplicas: settings.MAX_REPLICAS,
    closeGraceSeconds: BigInt(settings.CLOSE_GRACE_SECONDS),
    shutdownSeconds: settings.SHUTDOWN_SECONDS,
    archive: {
      directory: settings.ARCHIVE_DIR,
      afterMonths: settings.ARCHIVE_AFTER_MONTHS,
    },
    http: {
      trustedProxies: settings.TRUSTED_PROXIES?.split(',').map((one) => one.trim()) ?? [],
      rateLimits: {
        operatorKey: settings.RATE_LIMIT_OPERATOR_KEY,
        accountKey: settings.RATE_LIMIT_ACCOUNT_KEY,
        refusedAddress: settings.RATE_LIMIT_REFUSED,
      },
    },
    stripe: {
      apiKey: settings.STRIPE_API_KEY,
      apiBase: settings.STRIPE_API_BASE,
      webhookSecrets: settings.STRIPE_WEBHOOK_SECRETS?.split(',').map((one) => one.trim()) ?? [],
      callsPerSecond: settings.STRIPE_CALLS_PER_SECOND,
      endpointCallsPerSecond: settings.STRIPE_ENDPOINT_CALLS_PER_SECOND,
      paymentAttemptDays: settings.PAYMENT_ATTEMPT_DAYS.split(',').map(Number),
    },
  };
}
