import { AsyncLocalStorage } from 'node:async_hooks';
import { TransactionBuilder } from 'kysely';
import pg from 'pg';
import { afterAll, expect } from 'vitest';
import { senderOf } from './sender.ts';

/**
 * For every file of database tests: within a transaction nothing in src/ asks the pool for a connection. As many
 * such transactions at once as the pool has connections would wait for each other for ever.
 */
const within = new AsyncLocalStorage<true>();
const asking = new Set<string>();

const { execute } = TransactionBuilder.prototype;
Object.assign(TransactionBuilder.prototype, {
  async execute(
    this: TransactionBuilder<unknown>,
    work: Parameters<TransactionBuilder<unknown>['execute']>[0],
  ): Promise<unknown> {
    // A test may hold a transaction while it calls the program.
    const isOurs = senderOf() !== undefined;
    return await execute.call(this, async (tx) =>
      isOurs ? await within.run(true, async () => await work(tx)) : await work(tx),
    );
  },
});

const { connect } = pg.Pool.prototype;
Object.assign(pg.Pool.prototype, {
  connect(this: pg.Pool, ...args: readonly unknown[]): unknown {
    const sender = within.getStore() === true ? senderOf() : undefined;
    if (sender !== undefined) asking.add(sender);
    return Reflect.apply(connect, this, args);
  },
});

afterAll(() => {
  expect([...asking], 'asks for another connection within a transaction').toEqual([]);
});
