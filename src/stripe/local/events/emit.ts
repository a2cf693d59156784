import type { Call } from '../call.ts';
import { contract } from '../contract/contract.ts';
import { textOf, type Json, type JsonObject } from '../json.ts';
import type { StripeEvent, WebhookEndpoint } from '../state/objects.ts';
import { render } from '../rendering.ts';

/**
 * Records that something happened to an object, with the object as it is now, and owes it to every endpoint that wants
 * it. `before` is the object as it was, for `previous_attributes`.
 */
export function emit(call: Call, type: string, object: JsonObject, before?: JsonObject): void {
  const { world } = call;
  const shown = render(world, object);
  const endpoints = world.all('webhook_endpoint').filter((endpoint) => wants(endpoint, type));
  const event: StripeEvent = {
    ...contract().blank('event'),
    id: world.newId('evt_'),
    object: 'event',
    api_version: contract().apiVersion,
    created: world.now(),
    data:
      before === undefined
        ? { object: shown }
        : { object: shown, previous_attributes: changedFrom(before, object) },
    livemode: false,
    pending_webhooks: endpoints.length,
    request: call.origin,
    type,
  };
  contract().checkObject('event', event);
  contract().checkObject(textOf(shown['object']), shown);
  world.put('event', event);
  for (const endpoint of endpoints) {
    const id = `${event.id}.${endpoint.id}`;
    world.put('local.delivery', {
      id,
      event: event.id,
      endpoint: endpoint.id,
      attempts: 0,
      nextAttemptAtMs: world.nowMs(),
    });
  }
}

function wants(endpoint: WebhookEndpoint, type: string): boolean {
  const isNamed = endpoint.enabled_events.includes('*') || endpoint.enabled_events.includes(type);
  return endpoint.status === 'enabled' && isNamed;
}

function changedFrom(before: JsonObject, after: JsonObject): JsonObject {
  const same = (a: Json | undefined, b: Json | undefined): boolean =>
    JSON.stringify(a) === JSON.stringify(b);
  return Object.fromEntries(
    Object.entries(before).filter(([name, value]) => !same(value, after[name])),
  );
}
