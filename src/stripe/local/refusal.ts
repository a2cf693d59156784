import type { JsonObject } from './json.ts';

/** An answer other than 200, in Stripe's error shape. */
export class Refusal extends Error {
  readonly status: number;
  readonly error: JsonObject;
  /** True when what ran before the refusal stays (a declined charge leaves its failed charge behind). */
  readonly isKept: boolean;
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    status: number,
    error: JsonObject,
    options: {
      readonly isKept?: boolean;
      readonly headers?: Readonly<Record<string, string>>;
    } = {},
  ) {
    super(typeof error['message'] === 'string' ? error['message'] : 'refused');
    this.name = 'Refusal';
    this.status = status;
    this.error = error;
    this.isKept = options.isKept ?? false;
    this.headers = options.headers ?? {};
  }
}

type Details = { readonly code?: string; readonly param?: string; readonly status?: number };

/** A request Stripe does not accept: 400 unless told otherwise. */
export function invalid(message: string, details: Details = {}): Refusal {
  const { code, param, status = 400 } = details;
  return new Refusal(status, {
    type: 'invalid_request_error',
    message,
    ...(code === undefined ? {} : { code, doc_url: docUrl(code) }),
    ...(param === undefined ? {} : { param }),
  });
}

/** An id that names nothing: 404 in the path, 400 in a parameter. */
export function missing(noun: string, id: string, param: string, status: 400 | 404): Refusal {
  return invalid(`No such ${noun}: '${id}'`, { code: 'resource_missing', param, status });
}

/** A parameter Stripe knows but this imitation does not act on: refused rather than ignored. */
export function notImitated(param: string): Refusal {
  return invalid(`The local Stripe does not imitate the parameter ${param}.`, { param });
}

export function docUrl(code: string): string {
  return `https://docs.stripe.com/error-codes#${code.replaceAll('_', '-')}`;
}
