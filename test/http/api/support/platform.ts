import { issueAccountKey } from '../../../../src/accounts/api-key-store.ts';
import type { Db } from '../../../../src/database/pool.ts';
import { confirmAccount, createAccount } from '../../../../src/platform/account-commands.ts';
import { platformRecording } from '../../../../src/platform/recording.ts';
import { eventParser } from '../../../../src/events/parse-event.ts';
import { recorderWithin } from '../../../../src/metering/record-events.ts';
import { openApi, type Api, type ApiOptions } from '../../support/api.ts';
import { release0150, type Release0150 } from './release-0.15.0.ts';
import { release1161, type Release1161 } from './release-1.16.1.ts';

/** A platform with gigameter behind it: terminals point at it, and it reports what it does. */
export type Platform = {
  readonly api: Api;
  readonly db: Db;
  readonly host: string;
  readonly clock: () => Date;
  readonly pass: (duration: { hours?: number; seconds?: number }) => Promise<void>;
  /** What the platform reports, as of now unless another time is given. */
  readonly report: (type: string, data: Record<string, unknown>, time?: string) => Promise<void>;
  /** What the operator's mailer was told last. */
  readonly mail: (kind: string, email: string) => Promise<Record<string, string>>;
  readonly signals: (accountId: string) => Promise<string[]>;
  /** The account of an address. */
  readonly accountOf: (email: string) => Promise<string>;
  /** A confirmed account of its own, logged in with both releases. */
  readonly member: (given?: { isConfirmed?: false }) => Promise<Member>;
  readonly close: () => Promise<void>;
};

export type Member = {
  readonly accountId: string;
  readonly email: string;
  readonly old: Release0150;
  readonly today: Release1161;
};

export async function openPlatform(options: ApiOptions = {}): Promise<Platform> {
  const api = await openApi(options);
  const { db, world } = api;
  const host = await api.server.listen({ host: '127.0.0.1', port: 0 });
  const { clock } = world;
  const commands = {
    db,
    clock,
    record: recorderWithin(platformRecording(eventParser(1000))),
    limits: { maxReplicas: 1000 },
  };
  let events = 0;
  let members = 0;
  return {
    api,
    db,
    host,
    clock,
    pass: world.pass,
    report: async (type, data, time = clock().toISOString()) => {
      const id = `e-${++events}`;
      const body = { specversion: '1.0', id, source: 'controller', type, time, data };
      const answer = await api.call({
        method: 'POST',
        url: '/v1/events',
        key: api.keys.ingest,
        body,
      });
      if (answer.body.recorded !== 1) throw new Error(JSON.stringify(answer.body));
    },
    mail: async (kind, email) => {
      const row = await db
        .selectFrom('signal')
        .select('details')
        .where('kind', '=', kind)
        .orderBy('created_at', 'desc')
        .execute();
      const found = row
        .map(({ details }) => details as Record<string, string>)
        .filter((details) => details['email'] === email);
      return found.at(0)!;
    },
    signals: async (accountId) => {
      const rows = await db
        .selectFrom('signal')
        .select('kind')
        .where('account_id', '=', accountId)
        .execute();
      return rows.map(({ kind }) => kind);
    },
    accountOf: async (email) => {
      const row = await db
        .selectFrom('account')
        .select('account_id')
        .where('email', '=', email)
        .where('deleted_at', 'is', null)
        .executeTakeFirstOrThrow();
      return row.account_id;
    },
    member: async ({ isConfirmed = true } = {}) => {
      const accountId = `acme-${++members}`;
      const email = `owner-${members}@acme.example`;
      await createAccount(commands, { accountId, email });
      if (isConfirmed) await confirmAccount(commands, accountId);
      const { secret } = await issueAccountKey(db, clock(), accountId, 'test');
      const old = release0150(host);
      const today = release1161(host);
      old.terminal.netrc = [email, secret];
      today.terminal.netrc = [email, secret];
      return { accountId, email, old, today };
    },
    close: api.close,
  };
}
