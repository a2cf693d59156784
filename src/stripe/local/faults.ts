/** What can go wrong with one call, before (`_before`: it never ran) or after it ran. */
export const CALL_FAULTS = [
  'drop_before',
  'drop_after',
  'hang_before',
  'hang_after',
  'error_500_before', // never ran, nothing saved: the same key runs it next time
  'error_500_after', // ran, the true answer is saved, but this once a 500 is sent
  'error_500_saved', // ran, and a 500 is saved under the key: replayed for a day
  'error_500_saved_without_running',
  'rate_limited',
  'rate_limited_should_retry',
  'lock_timeout',
  'key_revoked',
  'slow', // holds the key while it waits, so that a second call with it gets 409
  'cut_body',
  'webhooks_first', // the events reach the endpoint before the answer reaches the caller
] as const;
export type CallFault = (typeof CALL_FAULTS)[number];

/** What can go wrong with one delivery of an event. */
export const WEBHOOK_FAULTS = [
  'lose', // never sent, not retried; listed by delivery_success=false
  'double',
  'reorder', // sent after the next one
  'hold', // kept back until release()
] as const;
export type WebhookFault = (typeof WEBHOOK_FAULTS)[number];

export type FaultRule = {
  readonly kind: CallFault | WebhookFault;
  /** HTTP method of a call; any when absent. */
  readonly method?: string;
  /** Path of a call; a segment `*` stands for any one, as for the id before `/pay`. Any when absent. */
  readonly path?: string;
  /** Type of an event, for webhook faults; any when absent. */
  readonly event?: string;
  /** The n-th match from now on, counted from 1; the first when absent. */
  readonly nth?: number;
  /** How many matches from the n-th on; one when absent. */
  readonly times?: number;
  /** Strikes only this share (0..1) of the matches, in a fixed pseudo-random order. */
  readonly share?: number;
  /** How long `slow` waits and `hang_*` hangs, in real milliseconds; until release() when absent. */
  readonly forMs?: number;
};

/** The fault that strikes a call. */
export type StruckCall = { readonly kind: CallFault; readonly forMs: number | undefined };

export type Faults = {
  readonly add: (rule: FaultRule) => void;
  /** Removes all rules and lets everything held go on. */
  readonly clear: () => void;
  /** Lets everything held (slow, hanging, held webhooks) go on. */
  readonly release: () => void;
  readonly list: () => readonly FaultRule[];
  readonly forCall: (method: string, path: string) => StruckCall | undefined;
  readonly forEvent: (type: string) => WebhookFault | undefined;
  /** Resolves after `forMs`, or at the next release(). */
  readonly hold: (forMs: number | undefined) => Promise<void>;
};

type Armed = { readonly rule: FaultRule; seen: number; struck: number };

export function makeFaults(): Faults {
  let armed: Armed[] = [];
  let held: (() => void)[] = [];
  const release = (): void => {
    for (const go of held.splice(0)) go();
  };
  const strike = (matches: (rule: FaultRule) => boolean): FaultRule | undefined => {
    let hit: FaultRule | undefined;
    for (const one of armed.filter(({ rule }) => matches(rule))) {
      one.seen += 1;
      const isReached = one.seen >= (one.rule.nth ?? 1) && one.struck < (one.rule.times ?? 1);
      if (hit !== undefined || !isReached || !isDrawn(one)) continue;
      one.struck += 1;
      hit = one.rule;
    }
    return hit;
  };
  return {
    add: (rule) => {
      armed = [...armed, { rule, seen: 0, struck: 0 }];
    },
    clear: () => {
      armed = [];
      release();
    },
    release,
    list: () => armed.map(({ rule }) => rule),
    forCall: (method, path) => {
      const rule = strike((one) => isCallFault(one.kind) && suitsCall(one, method, path));
      const kind = CALL_FAULTS.find((name) => name === rule?.kind);
      return kind === undefined ? undefined : { kind, forMs: rule?.forMs };
    },
    forEvent: (type) => {
      const kind = strike((rule) => !isCallFault(rule.kind) && (rule.event ?? type) === type)?.kind;
      return WEBHOOK_FAULTS.find((name) => name === kind);
    },
    hold: (forMs) =>
      new Promise((resolve) => {
        held.push(resolve);
        if (forMs !== undefined) setTimeout(resolve, forMs).unref();
      }),
  };
}

/** A fixed sequence that looks random (multiples of the golden ratio), so that a failing test fails again. */
function isDrawn({ rule, seen }: Armed): boolean {
  return rule.share === undefined || (seen * 0.618_033_988_75) % 1 < rule.share;
}

function isCallFault(kind: FaultRule['kind']): boolean {
  return CALL_FAULTS.some((name) => name === kind);
}

function suitsCall(rule: FaultRule, method: string, path: string): boolean {
  if (rule.method !== undefined && rule.method.toUpperCase() !== method) return false;
  if (rule.path === undefined) return true;
  const [wanted, given] = [rule.path.split('/'), path.split('/')];
  return (
    wanted.length === given.length &&
    wanted.every((part, index) => part === '*' || part === given[index])
  );
}
