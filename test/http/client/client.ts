import createClient from 'openapi-fetch';
import type { paths } from './schema.ts';

/** A client as any operator can have it: generated from the OpenAPI document alone. */
export function openClient(host: string, key: string) {
  return createClient<paths>({ baseUrl: host, headers: { authorization: `Bearer ${key}` } });
}

/** What an operation answered; an error where one was not expected fails the test. */
export async function answered<T>(
  call: Promise<{ readonly data?: T; readonly error?: unknown; readonly response: Response }>,
): Promise<NonNullable<T>> {
  const { data, error, response } = await call;
  if (data !== undefined && data !== null) return data;
  throw new Error(`${response.url}: ${response.status} ${JSON.stringify(error)}`);
}
