import { inPath, mergedMetadata, type Call, type MetadataParam } from '../call.ts';
import { contract } from '../contract/contract.ts';
import type { JsonObject } from '../json.ts';
import type { WebhookEndpoint } from '../state/objects.ts';
import type { World } from '../state/world.ts';

type Write = {
  readonly url?: string;
  readonly enabled_events?: readonly string[];
  readonly description?: string;
  readonly disabled?: boolean;
  readonly metadata?: MetadataParam;
};

/** The answer to the creation is the only one that shows the secret. */
export function createEndpoint(
  call: Call,
  params: Write & { readonly url: string; readonly enabled_events: readonly string[] },
): JsonObject {
  const secret = call.world.newId('whsec_');
  return { ...addEndpoint(call.world, { ...params, secret }), secret };
}

export function updateEndpoint(call: Call, params: Write): WebhookEndpoint {
  const before = inPath(call, 'webhook_endpoint', 'webhook_endpoint');
  const after: WebhookEndpoint = {
    ...before,
    url: params.url ?? before.url,
    enabled_events: params.enabled_events ?? before.enabled_events,
    description: params.description ?? before['description'],
    status:
      params.disabled === undefined ? before.status : params.disabled ? 'disabled' : 'enabled',
    metadata: mergedMetadata(before.metadata, params.metadata),
  };
  call.world.put('webhook_endpoint', after);
  return after;
}

export function deleteEndpoint(call: Call): JsonObject {
  const { id } = inPath(call, 'webhook_endpoint', 'webhook_endpoint');
  const { world } = call;
  for (const delivery of world.all('local.delivery').filter(({ endpoint }) => endpoint === id))
    world.remove('local.delivery', delivery.id);
  world.remove('local.secret', id);
  world.remove('webhook_endpoint', id);
  return { id, object: 'webhook_endpoint', deleted: true };
}

/** The endpoint a host configures at start: made once, its secret and URL follow the configuration. */
export function keepEndpoint(
  world: World,
  { url, secret }: { readonly url: string; readonly secret: string },
): void {
  const known = world
    .all('webhook_endpoint')
    .find(({ metadata }) => metadata['local'] === 'configured');
  if (known === undefined) {
    addEndpoint(world, { url, secret, enabled_events: ['*'], metadata: { local: 'configured' } });
    return;
  }
  world.put('webhook_endpoint', { ...known, url });
  world.put('local.secret', { id: known.id, secret });
}

function addEndpoint(
  world: World,
  params: Write & {
    readonly url: string;
    readonly enabled_events: readonly string[];
    readonly secret: string;
  },
): WebhookEndpoint {
  const endpoint: WebhookEndpoint = {
    ...contract().blank('webhook_endpoint'),
    id: world.newId('we_'),
    object: 'webhook_endpoint',
    api_version: contract().apiVersion,
    created: world.now(),
    description: params.description ?? null,
    enabled_events: params.enabled_events,
    livemode: false,
    metadata: mergedMetadata({}, params.metadata),
    status: 'enabled',
    url: params.url,
  };
  world.put('webhook_endpoint', endpoint);
  world.put('local.secret', { id: endpoint.id, secret: params.secret });
  return endpoint;
}
