import { z } from 'zod';

/** What is answered to the CLI; a field that is not named here never leaves. */

const texts = z.array(z.string());

/** Errors by field, or as a list where the CLI reads a list. */
const errors = z.object({ errors: z.union([z.record(z.string(), texts), texts]) });

const REFUSED = { '4xx': errors, '5xx': errors } as const;

export function answer<Data extends z.ZodType>(data: Data) {
  return { 200: z.object({ data }), ...REFUSED };
}

export function created<Data extends z.ZodType>(data: Data) {
  return { 201: z.object({ data }), ...REFUSED };
}

export const nothing = z.object({});
export const owner = z.object({ email: z.string() });
export const tier = z.object({ tier: z.enum(['FREE', 'STANDARD']) });
export const account = owner.extend({ ...tier.shape, credit_cents: z.number().int() });
export const key = z.object({ key: z.string(), expires_at: z.string() });
/** The last step of a sign-up answers who it is, the others what it goes on with. */
export const signUpStep = z.union([
  z.object({ uuid: z.string() }),
  owner.extend({ key: z.string() }),
]);

export const card = z.object({
  brand: z.string().nullable(),
  exp_month: z.number().int().nullable(),
  exp_year: z.number().int().nullable(),
  last4: z.string().nullable(),
});

export const app = z.object({
  unique_name: z.string(),
  size: z.number(),
  replicas: z.number().int(),
});
export const appStatus = z.object({
  replicas_desired: z.number().int(),
  replicas_running: z.number().int(),
  size: z.number(),
});
export const scale = app.omit({ unique_name: true });
export const job = z.object({ job: z.string() });

export const database = z.object({
  id: z.string(),
  state: z.enum(['PENDING', 'AVAILABLE', 'DELETED']),
  size: z.number(),
  app_name: z.string(),
  host: z.string().nullable(),
  port: z.number().int().nullable(),
  username: z.string().nullable(),
  password: z.string().nullable(),
  database: z.string().nullable(),
  url: z.string().nullable(),
  limited_at: z.string().nullable(),
});

export const permission = owner.extend({ role: z.string().nullable() });

const databaseUsage = {
  database_id: z.string().optional(),
  database_size: z.number().optional(),
  database_seconds: z.number().int().optional(),
};

export const usage = z.array(
  z.object({
    app: z.string(),
    amount_cents: z.number().int(),
    replica_size_seconds: z.number(),
    ...databaseUsage,
  }),
);

export const invoices = z.array(
  z.object({
    app_name: z.string().nullable(),
    replica_size_seconds: z.number(),
    amount_cents: z.number().int(),
    period_start: z.string(),
    period_end: z.string(),
    paid: z.boolean(),
    description: z.string(),
    ...databaseUsage,
  }),
);
