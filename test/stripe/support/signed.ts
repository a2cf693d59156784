import { createHmac } from 'node:crypto';
import { receiveWebhook, type Received } from '../../../src/stripe/news/receive-webhook.ts';
import { WEBHOOK_SECRET, type World } from './world.ts';

/** What Stripe would send in `stripe-signature` for a body; by default with our secret, just now. */
export function sign(
  { clock }: World,
  body: string,
  { secret = WEBHOOK_SECRET, atMs = clock().getTime() } = {},
): string {
  const at = Math.floor(atMs / 1000);
  const signature = createHmac('sha256', secret).update(`${at}.${body}`).digest('hex');
  return `t=${at},v1=${signature}`;
}

export async function receive(
  world: World,
  body: string,
  header: string | undefined = sign(world, body),
  context = world.webhooks,
): Promise<Received> {
  return await receiveWebhook(context, Buffer.from(body), header);
}
