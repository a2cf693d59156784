import type { ComponentChildren, VNode } from 'preact';
import { toDate, type Second } from '../../values/instant.ts';
import { formatCents, type Cents } from '../../values/money.ts';
import { formatTenths } from '../../values/size.ts';

/** A name somebody else chose: kept in its own direction, and broken anywhere when it is long. */
export function Name({ children }: { readonly children: string }): VNode {
  return (
    <bdi class="name" dir="auto">
      {children}
    </bdi>
  );
}

/** A name in characters that keep its direction to itself, where there is no markup. */
export function isolated(name: string): string {
  return `\u2068${name}\u2069`;
}

/** Where there is room for a few words only. */
export function shortened(name: string, most = 24): string {
  const characters = Array.from(name);
  return characters.length <= most ? name : `${characters.slice(0, most - 1).join('')}…`;
}

export function Money({ cents }: { readonly cents: Cents }): VNode {
  return <span class="money">{formatCents(cents)}</span>;
}

/** Replica-size-seconds of apps, seconds of databases, in the units the meter counts them in. */
export function Quantity({
  kind,
  units,
}: {
  readonly kind: 'app' | 'database';
  readonly units: bigint;
}): VNode {
  const [whole = '', ...rest] = (kind === 'app' ? formatTenths(units) : `${units}`).split('.');
  const grouped = [whole.replaceAll(/\B(?=(\d{3})+$)/g, ','), ...rest].join('.');
  return (
    <span class="quantity">
      {grouped}&nbsp;
      {kind === 'app' ? <abbr title="replica-size-seconds">RSS</abbr> : 's'}
    </span>
  );
}

const day = new Intl.DateTimeFormat('en-GB', {
  timeZone: 'UTC',
  day: 'numeric',
  month: 'short',
  year: 'numeric',
});
const minute = new Intl.DateTimeFormat('en-GB', {
  timeZone: 'UTC',
  day: 'numeric',
  month: 'short',
  year: 'numeric',
  hour: '2-digit',
  minute: '2-digit',
});
const second = new Intl.DateTimeFormat('en-GB', {
  timeZone: 'UTC',
  day: 'numeric',
  month: 'short',
  year: 'numeric',
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
});
const FORMATS = { day, minute, second };

/** An instant in UTC; whole seconds are shown where money depends on them. */
export function Instant({
  at,
  to = 'minute',
}: {
  readonly at: Second | Date;
  readonly to?: keyof typeof FORMATS;
}): VNode {
  const date = typeof at === 'bigint' ? toDate(at) : at;
  return (
    <time dateTime={date.toISOString()} title={date.toISOString()}>
      {FORMATS[to].format(date)}
    </time>
  );
}

export function formatDay(at: Second): string {
  return day.format(toDate(at));
}

export function Badge({
  tone,
  children,
}: {
  readonly tone: 'good' | 'warn' | 'bad' | 'plain';
  readonly children: ComponentChildren;
}): VNode {
  return <span class={`badge ${tone}`}>{children}</span>;
}

/** `1 invoice`, `2 invoices` */
export function plural(count: number | bigint, noun: string): string {
  return `${count.toLocaleString('en-US')} ${noun}${Number(count) === 1 ? '' : 's'}`;
}

/** Somebody else's message as a sentence of ours. */
export function withStop(message: string): string {
  return /[.!?]$/.test(message) ? message : `${message}.`;
}
