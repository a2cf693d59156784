import { createServer, type IncomingMessage } from 'node:http';
import { once } from 'node:events';
import { receiveWebhook, type WebhookContext } from '../../../src/stripe/news/receive-webhook.ts';
import { Fault } from '../../../src/values/fault.ts';

export type Receiver = {
  readonly url: string;
  /** Deliveries so far, answered with this status. */
  readonly statuses: readonly number[];
  /** Lets the endpoint fail from now on, as when it is down, or work again. */
  readonly setDown: (isDown: boolean) => void;
  readonly close: () => Promise<void>;
};

/** A webhook endpoint around `receiveWebhook`, for the local Stripe to send to. */
export async function openReceiver(context: () => WebhookContext): Promise<Receiver> {
  const statuses: number[] = [];
  let isDown = false;
  const server = createServer((request, response) => {
    const answer = async (): Promise<number> => {
      const body = await bodyOf(request);
      if (isDown) return 503;
      const header = request.headers['stripe-signature'];
      await receiveWebhook(context(), body, typeof header === 'string' ? header : undefined);
      return 200;
    };
    void answer()
      .catch((error: unknown) => (error instanceof Fault ? 400 : 500))
      .then((status) => {
        statuses.push(status);
        response.writeHead(status).end();
      });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (typeof address !== 'object' || address === null) throw new Error('no address');
  return {
    url: `http://127.0.0.1:${address.port}/webhooks/stripe`,
    statuses,
    setDown: (down) => {
      isDown = down;
    },
    close: async () => {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
