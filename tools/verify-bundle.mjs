#!/usr/bin/env node
// Verifies an invoice from a bundle, with nothing but Node: `node verify-bundle.mjs bundle.json`.
// Written apart from gigameter on purpose, from the rules alone: it shares no code with it.
// Exit 0: proven. Exit 1: not proven, with the event or line named. Exit 2: not a bundle.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';

const bundle = readBundle(process.argv[2]);
const found = [...checkChain(bundle), ...checkInvoice(bundle)];
for (const problem of found) console.log(`NOT PROVEN  ${problem}`);
if (found.length === 0) {
  const { invoice, events } = bundle;
  const dollars = `$${(Number(invoice.total_cents) / 100).toFixed(2)}`;
  console.log(`proven  ${invoice.invoice_id}: ${dollars} from ${events.length} events, chain head`);
  console.log(`        ${invoice.chain_head}`);
}
process.exitCode = found.length === 0 ? 0 : 1;

function readBundle(file) {
  try {
    const read = JSON.parse(readFileSync(file ?? 0, 'utf8'));
    if (read.format !== 'gigameter-bundle/1') throw new Error('format is not gigameter-bundle/1');
    return read;
  } catch (error) {
    console.error(`error: ${file ?? 'standard input'} is not a bundle: ${error.message}`);
    process.exit(2);
  }
}

// The chain: each link is SHA-256 of the link before, a line feed, and the event as JSON.
function checkChain({ events, links, invoice }) {
  let previous = '';
  for (const [index, event] of events.entries()) {
    const link = createHash('sha256')
      .update(`${previous}\n${JSON.stringify(event)}`)
      .digest('hex');
    if (link !== links[index]) {
      return [`event ${index + 1} (${event[1]} ${event[2]}) is not what was sealed`];
    }
    previous = link;
  }
  if (links.length !== events.length) return [`${links.length - events.length} events are missing`];
  return previous === invoice.chain_head ? [] : ['the invoice carries the head of another chain'];
}

function checkInvoice(given) {
  const events = standing(given.events.map(toEvent));
  const own = given.closed_periods.find(({ start }) => start === given.invoice.period_start);
  const earlierInvoices = given.earlier_invoices;
  const signedUpAt = events.find(({ type }) => type === 'account.created').at;
  const full = fullPeriod(signedUpAt, BigInt(own.end));
  const inForce = given.price_books.findLast((book) => BigInt(book.effective_at) <= full.start);
  const { corrected_months: months } = inForce ?? given.price_books[0];
  const lowest = boundary(full.start, -months);
  const expected = new Map(charges(given, events, own).map((one) => [one.key, one]));
  for (const period of given.closed_periods) {
    if (BigInt(period.start) >= BigInt(own.start) || BigInt(period.end) <= lowest) continue;
    for (const one of corrections(given, events, period, earlierInvoices))
      expected.set(one.key, one);
  }
  const problems = [];
  let total = 0n;
  for (const line of given.invoice.lines) {
    total += BigInt(line.amount_cents);
    if (line.app === null) continue; // Credits and carried balances are the ledger's.
    const key = keyOf(line, line.adjusts_period_start);
    const is = expected.get(key) ?? { quantity: 0n, cents: 0n };
    expected.delete(key);
    if (BigInt(line.quantity) !== is.quantity || BigInt(line.amount_cents) !== is.cents) {
      problems.push(
        `line ${key}: ${line.quantity} for ${line.amount_cents} cents, by the events ${is.quantity} for ${is.cents} cents`,
      );
    }
  }
  for (const [key, is] of expected) problems.push(`line ${key} is missing: ${is.cents} cents`);
  if (total !== BigInt(given.invoice.total_cents)) {
    problems.push(`the lines add up to ${total} cents, not ${given.invoice.total_cents}`);
  }
  return problems;
}

function toEvent([account, source, id, type, at, tie, meter, resource, app, level, size, details]) {
  const named = Object.fromEntries(details ?? []);
  return {
    account,
    source,
    id,
    type,
    at: BigInt(at),
    tie,
    meter,
    resource,
    app,
    level,
    size,
    named,
  };
}

// Superseded events count no more, nor do the database ends that followed from a superseded deletion.
function standing(events) {
  const gone = new Set(
    events
      .filter(({ type }) => type === 'event.superseded')
      .map(({ named }) => JSON.stringify([named.supersededSource, named.supersededId])),
  );
  const isGone = ({ source, id }) => gone.has(JSON.stringify([source, id]));
  const goneDeletions = events.filter((event) => event.type === 'app.deleted' && isGone(event));
  const endsWith = (event) =>
    event.source === 'gigameter' &&
    goneDeletions.some((deletion) => event.id === endOf(deletion, event.resource));
  return events.filter((event) => !isGone(event) && !endsWith(event)).toSorted(inOrder);
}

// The id of the end of a database that follows from the deletion of its app, ordered as that is.
function endOf({ source, id }, database) {
  const first = source === 'gigameter' ? id.slice(0, id.lastIndexOf(' !')) : id;
  const from = createHash('sha256')
    .update(JSON.stringify([source, id, database]))
    .digest('hex');
  return `${first} !end-${from.slice(0, 32)}`;
}

function inOrder(a, b) {
  if (a.at !== b.at) return a.at < b.at ? -1 : 1;
  return bytes(a.tie, b.tie) || bytes(a.id, b.id) || bytes(a.source, b.source);
}

function bytes(a, b) {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

// What a period costs, app by app and database by database.
function charges({ price_books: books, events: all }, events, { start, end }, adjusted = null) {
  const appOf = new Map();
  for (const event of all.map(toEvent)) {
    if (event.type === 'database.available' && !appOf.has(event.resource)) {
      appOf.set(event.resource, event.app);
    }
  }
  const first = (type) => events.find((event) => event.type === type)?.at;
  const signedUpAt = first('account.created');
  const upgradedAt = first('account.upgraded');
  if (upgradedAt === undefined) return [];
  const full = fullPeriod(signedUpAt, BigInt(end));
  const deletedAt = first('account.deleted');
  const to = deletedAt !== undefined && deletedAt < BigInt(end) ? deletedAt : BigInt(end);
  const stretches = stretchesOf(books, max(BigInt(start), upgradedAt), to);
  const segments = segmentsOf(events, appOf);
  const apps = new Map();
  const databases = new Map();
  for (const stretch of stretches) {
    const month =
      stretch.book.month_seconds === 'billing_period'
        ? full.end - full.start
        : BigInt(stretch.book.month_seconds);
    for (const one of segments.toSorted((a, b) => bytes(a.app, b.app))) {
      const seconds = min(one.to ?? stretch.to, stretch.to) - max(one.from, stretch.from);
      if (seconds <= 0n) continue;
      if (one.meter === 'database') {
        const key = keyOf(
          { app: one.app, database: one.resource, size_tenths: one.size },
          adjusted,
        );
        const monthCents = BigInt(stretch.book.database_month_cents[one.size]);
        addTo(databases, key, seconds, ratio(monthCents * seconds, month));
      } else {
        const units = one.level * seconds;
        const price = decimal(stretch.book.replica_size_second_usd, 10n);
        addTo(
          apps,
          keyOf({ app: one.app, database: null }, adjusted),
          units,
          ratio(price.n * units, price.d),
        );
      }
    }
  }
  return [
    ...roundTogether([...apps.values()]),
    ...[...databases.values()].map((one) => ({ ...one, cents: halfUp(one.exact) })),
  ];
}

function addTo(map, key, quantity, exact) {
  const before = map.get(key) ?? { key, quantity: 0n, exact: ratio(0n, 1n) };
  const sum = ratio(before.exact.n * exact.d + exact.n * before.exact.d, before.exact.d * exact.d);
  map.set(key, { key, quantity: before.quantity + quantity, exact: sum });
}

// Corrections of a closed period: what it costs by all that is known now, less what was billed for it.
function corrections(given, events, period, invoices) {
  const billed = new Map();
  for (const invoice of invoices) {
    for (const line of invoice.lines) {
      if (line.app === null) continue;
      if ((line.adjusts_period_start ?? invoice.period_start) !== period.start) continue;
      const key = keyOf(line, period.start);
      const before = billed.get(key) ?? { quantity: 0n, cents: 0n };
      billed.set(key, {
        quantity: before.quantity + BigInt(line.quantity),
        cents: before.cents + BigInt(line.amount_cents),
      });
    }
  }
  const now = new Map(charges(given, events, period, period.start).map((one) => [one.key, one]));
  return [...new Set([...billed.keys(), ...now.keys()])].flatMap((key) => {
    const none = { quantity: 0n, cents: 0n };
    const [was, is] = [billed.get(key) ?? none, now.get(key) ?? none];
    const [quantity, cents] = [is.quantity - was.quantity, is.cents - was.cents];
    return quantity === 0n && cents === 0n ? [] : [{ key, quantity, cents }];
  });
}

function keyOf({ app, database, size_tenths: size }, adjusted) {
  const subject =
    database === null ? `app ${app}` : `database ${database} size ${Number(size) / 10}`;
  return adjusted === null ? subject : `correction of ${adjusted}: ${subject}`;
}

function segmentsOf(events, appOf) {
  const resources = new Map();
  for (const event of events) {
    if (event.meter === null) continue;
    const key = JSON.stringify([
      event.meter,
      event.meter === 'job' ? event.app : '',
      event.resource,
    ]);
    resources.set(key, [...(resources.get(key) ?? []), event]);
  }
  return [...resources.values()].flatMap((own) =>
    own[0].meter === 'job' ? jobOf(own) : levelsOf(own, appOf),
  );
}

function levelsOf(own, appOf) {
  return own.flatMap((event, index) => {
    const to = own[index + 1]?.at;
    const app = event.app ?? appOf.get(event.resource);
    if (event.level === '0' || to === event.at || app === undefined) return [];
    return [{ ...event, app, level: BigInt(event.level), from: event.at, to }];
  });
}

// A job runs from its first start to the first end after that, five minutes at most.
function jobOf(own) {
  const start = own.find(({ level }) => level !== '0');
  if (start === undefined) return [];
  const end = own.find(({ level, at }) => level === '0' && at >= start.at);
  const limit = start.at + 300n;
  return [
    {
      ...start,
      level: BigInt(start.size),
      from: start.at,
      to: end === undefined ? limit : min(end.at, limit),
    },
  ];
}

function stretchesOf(books, from, to) {
  return books
    .map((book, index) => ({
      book,
      from: index === 0 ? from : max(from, BigInt(book.effective_at)),
      to: index === books.length - 1 ? to : min(to, BigInt(books[index + 1].effective_at)),
    }))
    .filter((stretch) => stretch.from < stretch.to);
}

// Periods are counted in months from the sign-up, clamped to the last day of shorter months.
function boundary(anchor, months) {
  const date = new Date(Number(anchor) * 1000);
  const [year, month] = [date.getUTCFullYear(), date.getUTCMonth() + months];
  const lastDay = new Date(Date.UTC(year, month + 1, 0)).getUTCDate();
  const midnight = Date.UTC(year, month, Math.min(date.getUTCDate(), lastDay)) / 1000;
  return BigInt(midnight) + (((anchor % 86400n) + 86400n) % 86400n);
}

function fullPeriod(signedUpAt, end) {
  for (let n = 0; ; n += 1) {
    const [from, to] = [boundary(signedUpAt, n), boundary(signedUpAt, n + 1)];
    if (to >= end) return { start: from, end: to };
  }
}

// Rounded half up once; whole cents go to the largest remainders first, of equal ones to the first.
function roundTogether(rows) {
  const total = halfUp(
    rows.reduce(
      (sum, { exact }) => ratio(sum.n * exact.d + exact.n * sum.d, sum.d * exact.d),
      ratio(0n, 1n),
    ),
  );
  const shared = rows.map((row, index) => ({ ...row, index, cents: row.exact.n / row.exact.d }));
  let left = total - shared.reduce((sum, { cents }) => sum + cents, 0n);
  const remainder = ({ exact, cents }) => ratio(exact.n - cents * exact.d, exact.d);
  const order = shared.toSorted((a, b) => {
    const [x, y] = [remainder(a), remainder(b)];
    const difference = y.n * x.d - x.n * y.d;
    return difference === 0n ? a.index - b.index : difference < 0n ? -1 : 1;
  });
  for (const row of order) {
    if (left === 0n) break;
    row.cents += 1n;
    left -= 1n;
  }
  return shared;
}

function decimal(text, times) {
  const [whole, part = ''] = text.split('.');
  return ratio(BigInt(whole + part) * times, 10n ** BigInt(part.length));
}

function ratio(n, d) {
  return { n, d };
}

function halfUp({ n, d }) {
  return (2n * n + d) / (2n * d);
}

function min(a, b) {
  return a < b ? a : b;
}

function max(a, b) {
  return a > b ? a : b;
}
