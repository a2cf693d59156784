import { spawn, type ChildProcess } from 'node:child_process';
import { appendFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import { customerWithCard, draft, finalized, receiver, sdk, start, wire } from './support.ts';

const folders: string[] = [];
const children: ChildProcess[] = [];
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});
function journal(): string {
  const folder = mkdtempSync(join(tmpdir(), 'local-stripe-'));
  folders.push(folder);
  return join(folder, 'journal.jsonl');
}

describe('a journal', () => {
  it('brings back every object, the call log, saved answers, the clock and undelivered webhooks', async () => {
    const journalFile = journal();
    const inbox = await receiver();
    inbox.answerWith(500);
    const webhooks = { url: inbox.url, secret: 'whsec_x' };
    const before = await start({ journalFile, webhooks });
    const stripe = sdk(before);
    const { customer } = await customerWithCard(stripe);
    const paid = await finalized(stripe, customer, [2500, 100]);
    const answer = await wire(before, 'POST', `/v1/invoices/${paid.id}/pay`, '', {
      'idempotency-key': 'pay',
    });
    await before.advance(3000);
    await draft(stripe, customer, [700]);
    await before.drainWebhooks();
    const [state, calls, now] = [before.state(), before.calls(), before.now()];
    await before.close();

    inbox.answerWith(200);
    const count = inbox.received.length;
    const after = await start({ journalFile, webhooks });
    expect(after.state()).toEqual(state);
    expect(after.calls()).toEqual(calls);
    expect(after.now()).toEqual(now);
    const replay = await wire(after, 'POST', `/v1/invoices/${paid.id}/pay`, '', {
      'idempotency-key': 'pay',
    });
    expect(replay.text).toBe(answer.text);
    await after.advance(60_000);
    expect(inbox.received.length).toBeGreaterThan(count);
    expect((await sdk(after).events.list({ delivery_success: false })).data).toEqual([]);
  });

  it('goes on with fresh ids', async () => {
    const journalFile = journal();
    const before = await start({ journalFile });
    const one = await sdk(before).customers.create({});
    await before.close();
    const after = await start({ journalFile });
    const two = await sdk(after).customers.create({});
    expect(two.id).not.toBe(one.id);
    expect(after.state()['customer']).toHaveLength(2);
  });

  it('cuts off a last line torn by a crash', async () => {
    const journalFile = journal();
    const before = await start({ journalFile });
    await sdk(before).customers.create({});
    await before.close();
    appendFileSync(journalFile, '{"seed":"x","lastId":99,"changes":[["customer","cus_torn"');
    const between = await start({ journalFile });
    await sdk(between).customers.create({});
    await between.close();
    expect((await start({ journalFile })).state()['customer']).toHaveLength(2);
  });

  it('survives kill -9 of the process: what was answered is there, the same key replays it', async () => {
    const journalFile = journal();
    const inbox = await receiver();
    const first = await host(journalFile, inbox.url);
    const stripe = sdk(first.address);
    const { customer } = await customerWithCard(stripe);
    const invoice = await finalized(stripe, customer, [2500]);
    const paid = await stripe.invoices.pay(invoice.id, {}, { idempotencyKey: 'pay' });
    first.child.kill('SIGKILL');

    const second = await host(journalFile, inbox.url);
    const again = sdk(second.address);
    expect(await again.invoices.pay(invoice.id, {}, { idempotencyKey: 'pay' })).toEqual(paid);
    expect((await again.charges.list()).data).toHaveLength(1);
    expect((await again.invoices.retrieve(invoice.id)).status).toBe('paid');
  });
});

type Host = {
  readonly child: ChildProcess;
  readonly address: { readonly host: string; readonly port: number };
};

function host(journalFile: string, url: string): Promise<Host> {
  const script = fileURLToPath(new URL('./host.ts', import.meta.url));
  const child = spawn(process.execPath, ['--import', 'tsx', script, journalFile, url], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  children.push(child);
  return new Promise((resolve, reject) => {
    child.once('exit', (code) => reject(new Error(`the host ended with ${code}`)));
    child.stdout.once('data', (line: Buffer) =>
      resolve({ child, address: JSON.parse(line.toString('utf8')) }),
    );
  });
}
