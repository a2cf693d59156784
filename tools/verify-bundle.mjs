#!/usr/bin/env node
// Verifies an invoice from a bundle, with nothing but Node: `node verify-bundle.mjs bundle.jsonl`.
// Written apart from gigameter on purpose, from the rules alone: it shares no code with it.
// Reads line by line, and keeps of each event what bills are counted from.
// Exit 0: proven. Exit 1: not proven, with the event or line named. Exit 2: not a bundle.
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';

const bundle = await readBundle(process.argv[2]);
const found = [...bundle.problems, ...(bundle.problems.length > 0 ? [] : checkInvoice(bundle))];
for (const problem of found) console.log(`NOT PROVEN  ${problem}`);
if (found.length === 0) {
  const { invoice, events } = bundle;
  const dollars = `$${(Number(invoice.total_cents) / 100).toFixed(2)}`;
  console.log(`proven  ${invoice.invoice_id}: ${dollars} from ${events.length} events, chain head`);
  console.log(`        ${invoice.chain_head}`);
}
process.exitCode = found.length === 0 ? 0 : 1;

// One line each: what it is, then prices, closed periods and invoices, the proven one last, then the events.
async function readBundle(file) {
  const input = file === undefined ? process.stdin : createReadStream(file);
  const read = { price_books: [], closed_periods: [], invoices: [], events: [], problems: [] };
  const chain = { facts: '', events: '' };
  let number = 0;
  const refuse = (why) => {
    console.error(`error: ${file ?? 'standard input'} is not a bundle: ${why}`);
    process.exit(2);
  };
  try {
    for await (const line of linesOf(input)) {
      number += 1;
      const problem = takeLine(read, chain, line, number);
      if (problem === undefined) continue;
      if (number === 1 && !line.includes('"format":"gigameter-bundle/')) refuse(problem);
      // The first one is the cause: what follows hangs on it.
      read.problems.push(problem);
      break;
    }
  } catch (error) {
    refuse(error.message);
  }
  if (number === 0) refuse('it is empty');
  read.invoice = read.invoices.pop();
  read.earlier_invoices = read.invoices;
  if (read.problems.length === 0) read.problems.push(...checkEnd(read, chain));
  return read;
}

// Of all that may end a line elsewhere, only the line feed does here: JSON holds the others as they are.
async function* linesOf(input) {
  let rest = '';
  for await (const chunk of input.setEncoding('utf8')) {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop();
    yield* lines;
  }
  if (rest !== '') yield rest;
}

// Each link is SHA-256 of the link before of its chain, a line feed, and the line without its link as JSON.
function takeLine(read, chain, line, number) {
  const written = parse(line);
  // A byte that says the same in another way is changed, too.
  if (written === undefined || JSON.stringify(written) !== line) return `line ${number} is changed`;
  const { link, ...content } = written;
  const { event } = content;
  const kind = event === undefined ? 'facts' : 'events';
  const text = JSON.stringify(event ?? content);
  const expected = createHash('sha256').update(`${chain[kind]}\n${text}`).digest('hex');
  if (link !== expected) {
    return event === undefined
      ? `line ${number} (${Object.keys(content)[0]}) is not what was written`
      : `event ${read.events.length + 1} (${event[1]} ${event[2]}) is not what was sealed`;
  }
  chain[kind] = link;
  if (event !== undefined) read.events.push(toEvent(event));
  else if (content.price_book !== undefined) read.price_books.push(content.price_book);
  else if (content.closed_period !== undefined) read.closed_periods.push(content.closed_period);
  else if (content.invoice !== undefined) read.invoices.push(content.invoice);
  else if (content.format !== 'gigameter-bundle/2') return 'its format is not gigameter-bundle/2';
  return undefined;
}

function parse(line) {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

function checkEnd({ invoice, closed_periods: periods, events }, chain) {
  if (invoice === undefined) return ['the invoice is missing'];
  if (chain.events !== invoice.chain_head) {
    return [`the events end before the chain head of the invoice, after ${events.length}`];
  }
  const isIn = ({ start }) => start === invoice.period_start;
  return periods.some(isIn) ? [] : ["the invoice's period is missing"];
}

function checkInvoice(given) {
  const own = given.closed_periods.find(({ start }) => start === given.invoice.period_start);
  const account = accountOf(standing(given.events), given);
  const full = fullPeriod(account.signedUpAt, BigInt(own.end));
  const inForce = given.price_books.findLast((book) => BigInt(book.effective_at) <= full.start);
  const { corrected_months: months } = inForce ?? given.price_books[0];
  const lowest = boundary(full.start, -months);
  const expected = new Map(charges(account, own).map((one) => [one.key, one]));
  for (const period of given.closed_periods) {
    if (BigInt(period.start) >= BigInt(own.start) || BigInt(period.end) <= lowest) continue;
    for (const one of corrections(account, period, given.earlier_invoices))
      expected.set(one.key, one);
  }
  const problems = [...given.earlier_invoices, given.invoice]
    .filter((one) => fingerprint(one.lines) !== one.lines_sha256)
    .map((one) => `the lines of ${one.invoice_id} are not those it was issued with`);
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

// As the invoice carries it, here and at Stripe.
function fingerprint(lines) {
  const content = lines.map((line) => [line.kind, line.description, line.amount_cents]);
  return createHash('sha256').update(JSON.stringify(content)).digest('hex');
}

function toEvent([, source, id, type, at, tie, meter, resource, app, level, size, details]) {
  const named = type === 'event.superseded' ? Object.fromEntries(details) : undefined;
  return { source, id, type, at: BigInt(at), tie, meter, resource, app, level, size, named };
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

// What bills are counted from: when it was charged, at which prices, and what it ran.
function accountOf(events, { price_books: books, events: all }) {
  const appOf = new Map();
  for (const { type, resource, app } of all) {
    if (type === 'database.available' && !appOf.has(resource)) appOf.set(resource, app);
  }
  const first = (type) => events.find((event) => event.type === type)?.at;
  return {
    signedUpAt: first('account.created'),
    upgradedAt: first('account.upgraded'),
    deletedAt: first('account.deleted'),
    books,
    segments: segmentsOf(events, appOf).toSorted((a, b) => bytes(a.app, b.app)),
  };
}

// What a period costs, app by app and database by database.
function charges(account, { start, end }, adjusted = null) {
  const { signedUpAt, upgradedAt, deletedAt, books, segments } = account;
  if (upgradedAt === undefined) return [];
  const full = fullPeriod(signedUpAt, BigInt(end));
  const to = deletedAt !== undefined && deletedAt < BigInt(end) ? deletedAt : BigInt(end);
  const apps = new Map();
  const databases = new Map();
  for (const stretch of stretchesOf(books, max(BigInt(start), upgradedAt), to)) {
    const { book } = stretch;
    const month =
      book.month_seconds === 'billing_period' ? full.end - full.start : BigInt(book.month_seconds);
    const price = decimal(book.replica_size_second_usd, 10n);
    for (const { ofWhat, units } of usedWithin(segments, stretch, adjusted).values()) {
      const monthCents = BigInt(book.database_month_cents[ofWhat.size_tenths] ?? 0);
      if (ofWhat.database === null) addTo(apps, ofWhat, units, ratio(price.n * units, price.d));
      else addTo(databases, ofWhat, units, ratio(monthCents * units, month));
    }
  }
  return [
    ...roundTogether([...apps.values()]),
    ...[...databases.values()].map((one) => ({ ...one, cents: halfUp(one.exact) })),
  ];
}

// By key, in the order of apps.
function usedWithin(segments, { from, to }, adjusted) {
  const used = new Map();
  for (const one of segments) {
    const seconds = min(one.to ?? to, to) - max(one.from, from);
    if (seconds <= 0n) continue;
    const isDatabase = one.meter === 'database';
    const ofWhat = isDatabase
      ? { app: one.app, database: one.resource, size_tenths: one.size }
      : { app: one.app, database: null };
    const key = keyOf(ofWhat, adjusted);
    const units = (used.get(key)?.units ?? 0n) + (isDatabase ? seconds : one.level * seconds);
    used.set(key, { ofWhat: { ...ofWhat, key }, units });
  }
  return used;
}

function addTo(map, { key }, quantity, exact) {
  const before = map.get(key) ?? { key, quantity: 0n, exact: ratio(0n, 1n) };
  map.set(key, { key, quantity: before.quantity + quantity, exact: plus(before.exact, exact) });
}

// Corrections of a closed period: what it costs by all that is known now, less what was billed for it.
function corrections(account, period, invoices) {
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
  const now = new Map(charges(account, period, period.start).map((one) => [one.key, one]));
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
    if (resources.has(key)) resources.get(key).push(event);
    else resources.set(key, [event]);
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
  const total = halfUp(rows.reduce((sum, { exact }) => plus(sum, exact), ratio(0n, 1n)));
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

function plus(a, b) {
  return ratio(a.n * b.d + b.n * a.d, a.d * b.d);
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
