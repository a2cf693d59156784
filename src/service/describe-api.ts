import { openDatabase, openPool } from '../database/pool.ts';
import { apiDocument } from '../http/openapi.ts';

/** The OpenAPI document of /v1. Needs no database: what routes are made of is only described here. */
export async function describeApi(): Promise<unknown> {
  const db = openDatabase(openPool({ url: 'postgres://localhost/unused', log: unused }));
  const rateLimits = { operatorKey: 1, accountKey: 1, refusedAddress: 1 };
  const limits = { maxReplicas: 1 };
  return await apiDocument({
    keysDb: db,
    db,
    clock: unused,
    rateLimits,
    limits,
    readAs: unused,
    recordEvents: unused,
    commands: { db, clock: unused, record: unused, limits },
    openStripe: unused,
  });
}

function unused(): never {
  throw new Error('the API is described here, not served');
}
