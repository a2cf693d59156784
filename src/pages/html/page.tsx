import { createHash } from 'node:crypto';
import type { FastifyReply } from 'fastify';
import type { ComponentChildren, VNode } from 'preact';
import { render } from 'preact-render-to-string';
import { assetPath } from '../assets.ts';
import { accountPath } from '../paths.ts';
import type { Viewer } from '../session/guard.ts';

/** The frame all pages share. */
export function Page({
  title,
  viewer,
  here,
  refreshTo,
  children,
}: {
  readonly title: string;
  readonly viewer?: Viewer | undefined;
  /** The path of the entry in the navigation that is shown. */
  readonly here?: string;
  /** Goes on to this address by itself. */
  readonly refreshTo?: string;
  readonly children: ComponentChildren;
}): VNode {
  return (
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        {refreshTo === undefined ? null : (
          <meta http-equiv="refresh" content={`0; url=${refreshTo}`} />
        )}
        <title>{`${title} · gigameter`}</title>
        <link rel="icon" href={assetPath('icon.svg')} />
        <link rel="stylesheet" href={assetPath('pages.css')} />
        <script src={assetPath('pages.js')} defer />
      </head>
      <body>
        <a class="skip" href="#main">
          Skip to content
        </a>
        <header class="bar">
          <a class="brand" href="/">
            gigameter
          </a>
          {viewer === undefined ? null : <Navigation viewer={viewer} here={here} />}
        </header>
        <main id="main">{children}</main>
      </body>
    </html>
  );
}

function Navigation({
  viewer: { accountId, csrfToken },
  here,
}: {
  readonly viewer: Viewer;
  readonly here: string | undefined;
}): VNode {
  const entries =
    accountId === undefined
      ? ([
          ['Today', '/operator'],
          ['Accounts', '/operator/accounts'],
          ['Events', '/operator/events'],
          ['Actions', '/operator/actions'],
          ['Queues', '/operator/queues'],
        ] as const)
      : ([['Billing', accountPath(accountId)]] as const);
  return (
    <>
      <nav aria-label="Pages">
        {entries.map(([label, path]) => (
          <a key={path} href={path} aria-current={path === here ? 'page' : undefined}>
            {label}
          </a>
        ))}
      </nav>
      <form method="post" action="/sign-out">
        <input type="hidden" name="csrf" value={csrfToken} />
        <button class="quiet">Sign out</button>
      </form>
    </>
  );
}

/** Private data: proxies keep nothing; browsers ask each time whether what they have is still so. */
export async function sendPage(reply: FastifyReply, page: VNode, status = 200): Promise<void> {
  await sendHtml(reply, `<!doctype html>${render(page)}`, status);
}

/** A part of a page, for a script to put in its place. */
export async function sendFragment(reply: FastifyReply, part: VNode): Promise<void> {
  await sendHtml(reply, render(part), 200);
}

async function sendHtml(reply: FastifyReply, html: string, status: number): Promise<void> {
  const tag = `"${createHash('sha256').update(html).digest('base64url')}"`;
  void reply.header('cache-control', 'private, no-cache').header('etag', tag);
  if (status === 200 && reply.request.headers['if-none-match'] === tag) {
    await reply.status(304).send();
    return;
  }
  await reply.status(status).type('text/html; charset=utf-8').send(html);
}
