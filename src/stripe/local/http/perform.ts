import type { Call } from '../call.ts';
import { contract } from '../contract/contract.ts';
import type { Schema } from '../contract/schema.ts';
import type { CallFault, Faults, StruckCall } from '../faults.ts';
import type { JsonObject } from '../json.ts';
import { invalid, notImitated, Refusal } from '../refusal.ts';
import { expand, render } from '../rendering.ts';
import type { Route } from '../routes.ts';
import type { World } from '../state/world.ts';
import { demandAccess } from './access.ts';
import { brokenDown, refused, type Outcome } from './answers.ts';
import { parseForm } from './form.ts';
import { fingerprintOf, type Keys } from './idempotency.ts';

/** A request to /v1 as it came off the wire. */
export type Request = {
  readonly requestId: string;
  readonly route: Route | null;
  readonly method: string;
  readonly path: string;
  readonly pathParts: Readonly<Record<string, string>>;
  /** Form of a POST, else the query. */
  readonly sent: string;
  readonly authorization: string | null;
  readonly version: string | null;
  readonly idempotencyKey: string | null;
};

export type PerformParts = {
  readonly world: World;
  readonly keys: Keys;
  readonly faults: Faults;
  readonly limiter: (endpoint: string) => Refusal | null;
};

type Admitted = { readonly route: Route; readonly schema: Schema; readonly params: JsonObject };

/**
 * The order is Stripe's: key of the account, version, rate limit, then the idempotency layer, then the parameters, then
 * the endpoint. Whatever runs is committed together with its saved answer before anything is sent.
 */
export async function perform(
  parts: PerformParts,
  request: Request,
  struck: StruckCall | undefined,
): Promise<Outcome> {
  try {
    const admitted = admit(parts, request);
    const fingerprint = fingerprintOf(
      request.method,
      request.path,
      request.version ?? contract().apiVersion,
      admitted.params,
    );
    const key = request.idempotencyKey;
    const saved = key === null ? undefined : parts.keys.look(key, fingerprint, request.path);
    if (saved !== undefined) {
      const { status, body } = saved;
      return { status, body, headers: {}, hasRun: false, isReplay: true };
    }
    demandParams(admitted);
    const run = () =>
      runNow(parts, request, admitted, { fingerprint, fault: struck?.kind ?? null });
    if (struck?.kind !== 'slow') return run();
    return await holdingKey(parts.keys, key, async () => {
      await parts.faults.hold(struck.forMs);
      return run();
    });
  } catch (error) {
    if (error instanceof Refusal) return refused(error);
    throw error;
  }
}

function admit({ limiter }: PerformParts, request: Request): Admitted {
  const { route, method, path } = request;
  demandAccess(request.authorization, request.version);
  const limited = limiter(`${method} ${route?.template ?? path}`);
  if (limited !== null) throw limited;
  if (route === null) {
    throw invalid(
      `Unrecognized request URL (${method}: ${path}). The local Stripe imitates only a part of the API.`,
      { status: 404 },
    );
  }
  const schema = contract().requestSchema(method, route.template, route.imitated);
  return { route, schema, params: parseForm(request.sent, schema) };
}

function demandParams({ route, schema, params }: Admitted): void {
  const refusal = contract().checkRequest(schema, params);
  if (refusal !== null) throw refusal;
  const other = Object.keys(params).find((name) => !route.imitated.has(name));
  if (other !== undefined) throw notImitated(other);
}

/** Only a call that waits can be met by a second one: all others run to their end at once. */
async function holdingKey<R>(keys: Keys, key: string | null, work: () => Promise<R>): Promise<R> {
  if (key === null) return work();
  keys.begin(key);
  try {
    return await work();
  } finally {
    keys.done(key);
  }
}

type Running = { readonly fingerprint: string; readonly fault: CallFault | null };

/** A GET leaves nothing behind. A refusal that undoes the endpoint's work is saved under its key all the same. */
function runNow(
  { world, keys }: PerformParts,
  request: Request,
  admitted: Admitted,
  { fingerprint, fault }: Running,
): Outcome {
  const { idempotencyKey: key, path, requestId } = request;
  const call: Call = {
    world,
    origin: { id: requestId, idempotency_key: key },
    url: path,
    path: request.pathParts,
  };
  const saved = (outcome: Outcome): Outcome => {
    const { status, body } = outcome;
    if (key !== null) keys.save({ id: key, fingerprint, path, status, body });
    return outcome;
  };
  if (request.method === 'GET') return world.dryRun(() => execute(call, admitted, fault));
  try {
    return world.transaction(() => saved(execute(call, admitted, fault)));
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return world.transaction(() => saved({ ...refused(error), hasRun: true }));
  }
}

function execute(call: Call, { route, params }: Admitted, fault: CallFault | null): Outcome {
  if (fault === 'error_500_saved_without_running') return refused(brokenDown());
  try {
    const result = render(call.world, route.run(call, params));
    const paths = Array.isArray(params['expand']) ? params['expand'].map(String) : [];
    const shown = expand(call.world, result, paths);
    contract().checkAnswer(route.method, route.template, shown);
    if (fault === 'error_500_saved') return { ...refused(brokenDown()), hasRun: true };
    const body = JSON.stringify(shown);
    return { status: 200, body, headers: {}, hasRun: true, isReplay: false };
  } catch (error) {
    if (!(error instanceof Refusal) || !error.isKept) throw error;
    return { ...refused(error), hasRun: true };
  }
}
