import { stringify } from 'qs';
import Stripe from 'stripe';
import { z } from 'zod';

/** Answers and events are shaped by this version; the webhook endpoint is created with the same one. */
export const API_VERSION = '2026-10-28.endive';

export type Param = string | number | boolean | readonly Param[] | Params;
export type Params = { readonly [name: string]: Param };

export type Call = {
  readonly method: 'GET' | 'POST' | 'DELETE';
  /** Begins with /v1/; ids in it are Stripe's own. */
  readonly path: string;
  readonly params: Params;
};

/** A call that changes something carries its key and the API version it was first sent with. */
export type Request = Call & {
  readonly idempotencyKey?: string;
  readonly apiVersion?: string;
};

/** What Stripe said no to. `message` may be shown to the account's owner when `type` is card_error. */
export type Refusal = {
  readonly status: number;
  readonly type: string;
  readonly code: string | null;
  readonly declineCode: string | null;
  readonly adviceCode: string | null;
  readonly param: string | null;
  readonly message: string;
  readonly chargeId: string | null;
  readonly paymentIntentId: string | null;
};

/**
 * `refused`: Stripe decided and will answer the same again. `unknown`: it may or may not have run.
 * `limited` and `barred`: it did not run; too many calls, or our key is not accepted (any more).
 */
export type Answer =
  | { readonly outcome: 'ok'; readonly body: object; readonly requestId: string | null }
  | { readonly outcome: 'refused'; readonly refusal: Refusal; readonly requestId: string | null }
  | { readonly outcome: 'unknown'; readonly status: number | null; readonly reason: string }
  | {
      readonly outcome: 'limited';
      readonly reason: string;
      readonly retryAfterMs?: number;
      /** Not too many calls: another one holds the same object. */
      readonly isLockTimeout?: boolean;
      /** Of which calls there were too many; absent when Stripe does not say. */
      readonly limitedOn?: 'all' | 'endpoint';
    }
  | { readonly outcome: 'barred'; readonly reason: string };

export type Gateway = { readonly send: (request: Request) => Promise<Answer> };

export type GatewayOptions = {
  readonly apiKey: string;
  /** Where Stripe's API is; default https://api.stripe.com. Paths in it are ignored. */
  readonly apiBase?: string;
  /** Of one try. Default 30 s. */
  readonly timeoutMs?: number;
  /** Of connection errors, 409 and 5xx, with the same key. Default 2. */
  readonly maxNetworkRetries?: number;
};

/** The only door to Stripe. Never throws for what Stripe or the network did: that is the answer. */
export function openGateway(options: GatewayOptions): Gateway {
  const stripe = new Stripe(options.apiKey, {
    apiVersion: API_VERSION,
    timeout: options.timeoutMs ?? 30_000,
    maxNetworkRetries: options.maxNetworkRetries ?? 2,
    telemetry: false,
    ...addressOf(options.apiBase),
  });
  return {
    send: async (request) => {
      const isPost = request.method === 'POST';
      try {
        const response: unknown = await stripe.rawRequest(
          request.method,
          isPost ? request.path : withQuery(request.path, request.params),
          isPost ? request.params : undefined,
          {
            apiVersion: request.apiVersion ?? API_VERSION,
            ...(request.idempotencyKey === undefined
              ? {}
              : { idempotencyKey: request.idempotencyKey }),
          },
        );
        return toAnswer(response);
      } catch (error) {
        return toFailure(error);
      }
    },
  };
}

/**
 * Whether `rawBody` carries a signature by one of the secrets (two while rotating), made less than
 * `toleranceSeconds` before or after `now`: the SDK itself accepts any instant in the future.
 */
export function isSigned(
  rawBody: Buffer,
  header: string | undefined,
  secrets: readonly string[],
  now: Date,
  toleranceSeconds = 300,
): boolean {
  const signature = Stripe.webhooks.signature;
  const signedAt = /(?:^|,)t=(\d{1,12})(?:,|$)/.exec(header ?? '')?.[1];
  if (header === undefined || signedAt === undefined || signature === null) return false;
  if (Math.abs(Number(signedAt) - now.getTime() / 1000) > toleranceSeconds) return false;
  return secrets.some((secret) => {
    try {
      return signature.verifyHeader(
        rawBody,
        header,
        secret,
        toleranceSeconds,
        undefined,
        now.getTime(),
      );
    } catch (error) {
      if (error instanceof Stripe.errors.StripeSignatureVerificationError) return false;
      throw error;
    }
  });
}

function addressOf(apiBase: string | undefined): Stripe.StripeConfig {
  if (apiBase === undefined) return {};
  const { protocol, hostname, port } = new URL(apiBase);
  const isPlain = protocol === 'http:';
  return {
    protocol: isPlain ? 'http' : 'https',
    host: hostname,
    port: port === '' ? (isPlain ? 80 : 443) : port,
  };
}

function withQuery(path: string, params: Params): string {
  const query = stringify(params, { arrayFormat: 'brackets' });
  return query === '' ? path : `${path}?${query}`;
}

function toAnswer(response: unknown): Answer {
  const { status, requestId } = metaOf(response);
  // The SDK resolves an error whose body lacks `error`, such as one made by a proxy.
  if (typeof response !== 'object' || response === null || status >= 400) {
    return { outcome: 'unknown', status, reason: `an answer ${status} that is not Stripe's` };
  }
  return { outcome: 'ok', body: response, requestId };
}

const meta = z.object({
  lastResponse: z.object({ statusCode: z.number().optional(), requestId: z.string().optional() }),
});

function metaOf(response: unknown): { status: number; requestId: string | null } {
  const last = meta.safeParse(response).data?.lastResponse;
  return { status: last?.statusCode ?? 200, requestId: last?.requestId ?? null };
}

function toFailure(error: unknown): Answer {
  if (!(error instanceof Stripe.errors.StripeError)) throw error;
  const status = error.statusCode ?? null;
  const reason = `${error.type}: ${error.message}`;
  if (error instanceof Stripe.errors.StripeRateLimitError) {
    return {
      outcome: 'limited',
      reason,
      isLockTimeout: error.code === 'lock_timeout',
      ...limitOf(error.headers?.['stripe-rate-limited-reason']),
    };
  }
  if (status === 401 || status === 403) return { outcome: 'barred', reason };
  if (status === null || status === 409 || status >= 500 || status < 400) {
    return { outcome: 'unknown', status, reason };
  }
  const raw = z.record(z.string(), z.unknown()).safeParse(error.raw).data ?? {};
  return {
    outcome: 'refused',
    requestId: error.requestId ?? null,
    refusal: {
      status,
      type: error.rawType ?? error.type,
      code: error.code ?? null,
      declineCode: error.decline_code ?? null,
      adviceCode: text(raw['advice_code']),
      param: error.param ?? null,
      message: error.message,
      chargeId: idOf(raw['charge']),
      paymentIntentId: idOf(raw['payment_intent']),
    },
  };
}

/** global-rate, global-concurrency, endpoint-rate, endpoint-concurrency or resource-specific. */
function limitOf(reason: string | undefined): { limitedOn?: 'all' | 'endpoint' } {
  if (reason?.startsWith('global-') === true) return { limitedOn: 'all' };
  return reason?.startsWith('endpoint-') === true ? { limitedOn: 'endpoint' } : {};
}

function text(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}

/** Stripe names an object by its id or, expanded, by itself. */
function idOf(value: unknown): string | null {
  if (typeof value === 'object' && value !== null && 'id' in value) return text(value.id);
  return text(value);
}
