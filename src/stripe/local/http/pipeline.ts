import type { Call, Origin } from '../call.ts';
import { contract } from '../contract/contract.ts';
import type { Schema } from '../contract/schema.ts';
import type { CallFault, FaultRule, Faults } from '../faults.ts';
import { parseForm } from './form.ts';
import { fingerprintOf, type Keys } from './idempotency.ts';
import { lockTimeout, tooMany } from './limits.ts';
import type { JsonObject } from '../json.ts';
import { invalid, notImitated, Refusal } from '../refusal.ts';
import { demandAccess, unauthorized } from './access.ts';
import { answerOf, brokenDown, refused, type Answer, type Outcome } from './answers.ts';
import { expand, render } from '../rendering.ts';
import type { Route } from '../routes.ts';
import type { Webhooks } from '../events/webhooks.ts';
import type { World } from '../state/world.ts';

/** A request to /v1 as it came off the wire. */
export type Request = {
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

export type Pipeline = {
  readonly handle: (request: Request) => Promise<Answer>;
  readonly afterAnswer: () => void;
};

type Parts = {
  readonly world: World;
  readonly keys: Keys;
  readonly faults: Faults;
  readonly webhooks: Webhooks;
  readonly limiter: (endpoint: string) => Refusal | null;
  /** Does what came due by the clock, so that no request sees a world that is behind it. */
  readonly catchUp: () => void;
};

/**
 * The order is Stripe's: key of the account, version, rate limit, then the idempotency layer, then the parameters, then
 * the endpoint. Whatever runs is committed together with its saved answer before anything is sent.
 */
export function makePipeline(parts: Parts): Pipeline {
  const { world, faults, webhooks } = parts;
  const handle = async (request: Request): Promise<Answer> => {
    parts.catchUp();
    const requestId = world.newId('req_');
    const rule = faults.forCall(request.method, request.path);
    const fault = isCallFault(rule) ? rule.kind : null;
    if (fault === 'hang_before') await faults.hold(rule?.forMs);
    const outcome = await withFault(parts, request, requestId, rule);
    if (fault === 'hang_after') {
      webhooks.kick();
      await faults.hold(rule?.forMs);
    }
    if (fault === 'webhooks_first') await webhooks.drain();
    const answer = answerOf({ ...request, requestId }, outcome, fault);
    log(world, request, requestId, outcome, answer, fault);
    return answer;
  };
  return { handle, afterAnswer: webhooks.kick };
}

async function withFault(
  parts: Parts,
  request: Request,
  requestId: string,
  rule: FaultRule | undefined,
): Promise<Outcome | null> {
  switch (rule?.kind) {
    case 'drop_before':
    case 'hang_before':
      return null;
    case 'error_500_before':
      return refused(brokenDown());
    case 'rate_limited':
      return refused(tooMany());
    case 'rate_limited_should_retry':
      return refused(tooMany({ shouldRetry: true }));
    case 'lock_timeout':
      return refused(lockTimeout());
    case 'key_revoked':
      return refused(unauthorized('Invalid API Key provided: it has been revoked.'));
    default:
      return perform(parts, request, requestId, rule);
  }
}

async function perform(
  parts: Parts,
  request: Request,
  requestId: string,
  rule: FaultRule | undefined,
): Promise<Outcome> {
  const { world, keys, faults, limiter } = parts;
  const { route, method, path, idempotencyKey: key } = request;
  let isRunning = false;
  try {
    demandAccess(request.authorization, request.version);
    const limited = limiter(`${method} ${route?.template ?? path}`);
    if (limited !== null) throw limited;
    if (route === null)
      throw invalid(
        `Unrecognized request URL (${method}: ${path}). The local Stripe imitates only a part of the API.`,
        { status: 404 },
      );
    const schema = contract().requestSchema(method, route.template, route.imitated);
    const params = parseForm(request.sent, schema);
    const version = request.version ?? contract().apiVersion;
    const fingerprint = fingerprintOf(method, path, version, params);
    const saved = key === null ? undefined : keys.look(key, fingerprint, path);
    if (saved !== undefined)
      return {
        status: saved.status,
        body: saved.body,
        shouldRetry: null,
        hasRun: false,
        isReplay: true,
      };
    demandParams(route, schema, params);
    if (key !== null) keys.begin(key);
    isRunning = true;
    if (rule?.kind === 'slow') await faults.hold(rule.forMs);
    const origin: Origin = { id: requestId, idempotency_key: key };
    const run = (): Outcome => {
      const outcome = execute(
        { world, origin, url: path, path: request.pathParts },
        route,
        params,
        rule?.kind ?? null,
      );
      if (key !== null)
        keys.save({ id: key, fingerprint, path, status: outcome.status, body: outcome.body });
      return outcome;
    };
    return method === 'GET'
      ? world.dryRun(run)
      : commit(world, run, (answer) => {
          if (key !== null)
            keys.save({ id: key, fingerprint, path, status: answer.status, body: answer.body });
        });
  } catch (error) {
    if (error instanceof Refusal) return refused(error);
    throw error;
  } finally {
    // Not when this call was the second one: the first still holds the key.
    if (key !== null && isRunning) keys.done(key);
  }
}

/** A refusal that undoes the endpoint's work is saved under its key all the same. */
function commit(world: World, run: () => Outcome, save: (answer: Outcome) => void): Outcome {
  try {
    return world.transaction(run);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    const outcome = { ...refused(error), hasRun: true };
    world.transaction(() => save(outcome));
    return outcome;
  }
}

function execute(
  call: Call,
  route: Route,
  params: JsonObject,
  fault: FaultRule['kind'] | null,
): Outcome {
  if (fault === 'error_500_saved_without_running')
    return { ...refused(brokenDown()), hasRun: false };
  try {
    const result = render(call.world, route.run(call, params));
    const paths = Array.isArray(params['expand']) ? params['expand'].map(String) : [];
    const body = expand(call.world, result, paths);
    contract().checkAnswer(route.method, route.template, body);
    if (fault === 'error_500_saved') return { ...refused(brokenDown()), hasRun: true };
    return {
      status: 200,
      body: JSON.stringify(body),
      shouldRetry: null,
      hasRun: true,
      isReplay: false,
    };
  } catch (error) {
    if (!(error instanceof Refusal) || !error.isKept) throw error;
    return { ...refused(error), hasRun: true };
  }
}

function demandParams(route: Route, schema: Schema, params: JsonObject): void {
  const refusal = contract().checkRequest(schema, params);
  if (refusal !== null) throw refusal;
  const other = Object.keys(params).find((name) => !route.imitated.has(name));
  if (other !== undefined) throw notImitated(other);
}

function log(
  world: World,
  request: Request,
  requestId: string,
  outcome: Outcome | null,
  answer: Answer,
  fault: CallFault | null,
): void {
  world.transaction(() =>
    world.put('local.call', {
      id: requestId,
      atMs: world.nowMs(),
      method: request.method,
      path: request.path,
      idempotencyKey: request.idempotencyKey,
      sent: request.sent,
      status: answer.delivery === 'none' ? null : answer.status,
      hasRun: outcome?.hasRun ?? false,
      isReplay: outcome?.isReplay ?? false,
      fault,
      requestId,
    }),
  );
}

function isCallFault(
  rule: FaultRule | undefined,
): rule is FaultRule & { readonly kind: CallFault } {
  return rule !== undefined && rule.event === undefined;
}
