import { mergedMetadata, type Call, type MetadataParam } from '../call.ts';
import { contract } from '../contract/contract.ts';
import { emit } from '../events/emit.ts';
import type { JsonObject } from '../json.ts';

type Create = {
  readonly name: string;
  readonly description?: string;
  readonly active?: boolean;
  readonly url?: string;
  readonly metadata?: MetadataParam;
};

export function createProduct(call: Call, params: Create): JsonObject {
  const { world } = call;
  const product = {
    ...contract().blank('product'),
    id: world.newId('prod_'),
    object: 'product' as const,
    active: params.active ?? true,
    created: world.now(),
    description: params.description ?? null,
    livemode: false,
    metadata: mergedMetadata({}, params.metadata),
    name: params.name,
    type: 'service',
    updated: world.now(),
    url: params.url ?? null,
  };
  world.put('product', product);
  emit(call, 'product.created', product);
  return product;
}
