import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { FastifyInstance } from 'fastify';

const TYPES = {
  'pages.css': 'text/css; charset=utf-8',
  'pages.js': 'text/javascript; charset=utf-8',
  'icon.svg': 'image/svg+xml',
} as const;

type AssetName = keyof typeof TYPES;

const assets = new Map(
  (['pages.css', 'pages.js', 'icon.svg'] as const).map((name) => {
    const content = readFileSync(join(import.meta.dirname, 'assets', name));
    const digest = createHash('sha256').update(content).digest('base64url').slice(0, 12);
    return [name, { content, path: `/assets/${digest}/${name}` }];
  }),
);

/** Holds the content's hash, so that browsers may keep what they got for ever. */
export function assetPath(name: AssetName): string {
  return assets.get(name)!.path;
}

export function addAssets(server: FastifyInstance): void {
  for (const [name, { content, path }] of assets) {
    server.get(path, async (_request, reply) => {
      return await reply
        .header('cache-control', 'public, max-age=31536000, immutable')
        .type(TYPES[name])
        .send(content);
    });
  }
}
