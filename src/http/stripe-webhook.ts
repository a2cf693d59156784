import type { FastifyPluginAsync } from 'fastify';

export type ReceiveWebhook = (
  rawBody: Buffer,
  signatureHeader: string | undefined,
) => Promise<void>;

/** POST /webhooks/stripe: the signature covers the body's bytes, so nothing may parse it before. */
export function stripeWebhookRoute(receive: ReceiveWebhook): FastifyPluginAsync {
  return async (scope) => {
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) =>
      done(null, body),
    );
    scope.post('/webhooks/stripe', async (request) => {
      const body = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
      const signature = request.headers['stripe-signature'];
      await receive(body, Array.isArray(signature) ? signature[0] : signature);
      return { received: true };
    });
  };
}
