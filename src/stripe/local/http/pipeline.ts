import type { Webhooks } from '../events/webhooks.ts';
import type { CallFault, StruckCall } from '../faults.ts';
import type { World } from '../state/world.ts';
import { unauthorized } from './access.ts';
import { answerOf, brokenDown, refused, type Answer, type Outcome } from './answers.ts';
import { lockTimeout, tooMany } from './limits.ts';
import { perform, type PerformParts, type Request } from './perform.ts';

export type Pipeline = {
  readonly handle: (request: Omit<Request, 'requestId'>) => Promise<Answer>;
  readonly afterAnswer: () => void;
};

type Parts = PerformParts & {
  readonly webhooks: Webhooks;
  /** Does what came due by the clock, so that no request sees a world that is behind it. */
  readonly catchUp: () => void;
};

/** A request's way from the wire to its answer, with the fault that strikes it, if any. */
export function makePipeline(parts: Parts): Pipeline {
  const { world, faults, webhooks } = parts;
  const handle: Pipeline['handle'] = async (arrived) => {
    parts.catchUp();
    const request: Request = { ...arrived, requestId: world.newId('req_') };
    const struck = faults.forCall(request.method, request.path);
    const fault = struck?.kind ?? null;
    if (fault === 'hang_before') await faults.hold(struck?.forMs);
    const outcome = await struckOrPerformed(parts, request, struck);
    if (fault === 'hang_after') {
      webhooks.kick();
      await faults.hold(struck?.forMs);
    }
    if (fault === 'webhooks_first') await webhooks.drain();
    const answer = answerOf(request, outcome, fault);
    log(world, { request, outcome, answer, fault });
    return answer;
  };
  return { handle, afterAnswer: webhooks.kick };
}

/** Null when the call never arrived. */
async function struckOrPerformed(
  parts: Parts,
  request: Request,
  struck: StruckCall | undefined,
): Promise<Outcome | null> {
  switch (struck?.kind) {
    case 'drop_before':
    case 'hang_before':
      return null;
    case 'error_500_before':
      return refused(brokenDown());
    case 'rate_limited':
      return refused(tooMany());
    case 'rate_limited_should_retry':
      return refused(tooMany({ 'stripe-should-retry': 'true' }));
    case 'lock_timeout':
      return refused(lockTimeout());
    case 'key_revoked':
      return refused(unauthorized('Invalid API Key provided: it has been revoked.'));
    default:
      return perform(parts, request, struck);
  }
}

type Handled = {
  readonly request: Request;
  readonly outcome: Outcome | null;
  readonly answer: Answer;
  readonly fault: CallFault | null;
};

function log(world: World, { request, outcome, answer, fault }: Handled): void {
  const { requestId, method, path, idempotencyKey, sent } = request;
  world.transaction(() =>
    world.put('local.call', {
      id: requestId,
      atMs: world.nowMs(),
      method,
      path,
      idempotencyKey,
      sent,
      status: answer.delivery === 'none' ? null : answer.status,
      hasRun: outcome?.hasRun ?? false,
      isReplay: outcome?.isReplay ?? false,
      fault,
      requestId,
    }),
  );
}
