import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import { requireAccount } from '../../accounts/require-account.ts';
import { explainLine } from '../../invoicing/explain-line.ts';
import { findInvoice, linesOf } from '../../invoicing/page-invoices.ts';
import type { Db } from '../../database/pool.ts';
import { unconfirmedOf } from '../../sources/unconfirmed.ts';
import { startCheckout } from '../../stripe/cards/checkout.ts';
import { toSecond } from '../../values/instant.ts';
import type { PageRoutes } from '../dependencies.ts';
import { Page, sendFragment, sendPage } from '../html/page.tsx';
import { Name } from '../html/text.tsx';
import { accountPath } from '../paths.ts';
import { requireOwnAccount, unknownPage, viewerOf } from '../session/guard.ts';
import { BillPage } from './bill-page.tsx';
import { InvoicePage, hasSegments, type ShownInvoice } from './invoice-page.tsx';
import { loadBill } from './load-bill.ts';
import { answerQuote, Answer, quoteQuery } from './quote-box.tsx';

const accountParams = z.object({ account: z.string().min(1).max(200) });
const invoiceParams = accountParams.extend({ invoice: z.string().max(200) });
const billQuery = z.object({ levels: z.string().optional(), card: z.string().optional() });
const lineQuery = z.object({
  line: z.coerce.number().int().min(1).optional().catch(undefined),
  after: z.coerce.number().int().min(0).catch(0),
});

/** The pages of an account: for its owner, and for operators to look at. */
export const addAccountPages: PageRoutes = (
  server,
  { readAs, clock, commands: { limits }, openStripe },
) => {
  const accountOf = (request: FastifyRequest): string => {
    const { account } = parse(accountParams, request.params);
    requireOwnAccount(request, account);
    return account;
  };
  server.get('/account/:account', async (request, reply) => {
    const accountId = accountOf(request);
    const viewer = viewerOf(request);
    const { levels, card } = billQuery.parse(request.query);
    const asked = quoteQuery.safeParse(request.query).data;
    const page = await readAs(viewer.accountId, async (db) => {
      const bill = await loadBill(db, accountId, clock(), { withLevels: levels !== undefined });
      const quote =
        asked && (await answerQuote(db, bill.account, asked, toSecond(clock()), limits));
      return { bill, quote };
    });
    const notice = card === 'set' ? CARD_IS_COMING : undefined;
    await sendPage(reply, <BillPage {...page} viewer={viewer} notice={notice} />);
  });
  server.get('/account/:account/quote', async (request, reply) => {
    const accountId = accountOf(request);
    const asked = parse(quoteQuery, request.query);
    const answer = await readAs(viewerOf(request).accountId, async (db) => {
      const account = await requireAccount(db, accountId);
      return await answerQuote(db, account, asked, toSecond(clock()), limits);
    });
    await sendFragment(reply, <Answer answer={answer!} />);
  });
  server.get('/account/:account/invoices/:invoice', async (request, reply) => {
    const accountId = accountOf(request);
    const viewer = viewerOf(request);
    const { invoice } = parse(invoiceParams, request.params);
    const asked = lineQuery.parse(request.query);
    const shown = await readAs(
      viewer.accountId,
      async (db) => await loadInvoice(db, accountId, invoice, asked),
    );
    await sendPage(reply, <InvoicePage shown={shown} viewer={viewer} />);
  });
  server.post('/account/:account/checkout', async (request, reply) => {
    const accountId = accountOf(request);
    const back = `${request.protocol}://${request.host}${accountPath(accountId)}`;
    const urls = { successUrl: `${back}?card=set#card`, cancelUrl: `${back}#card` };
    const { url } = await startCheckout(openStripe(), { accountId, urls });
    // Not a redirect: a form may only lead to ourselves.
    await sendPage(
      reply,
      <Page title="To Stripe" viewer={viewerOf(request)} refreshTo={url}>
        <h1>To Stripe</h1>
        <p>
          The card of <Name>{accountId}</Name> is set on a page of Stripe's.{' '}
          <a href={url}>Go there</a> if your browser does not by itself.
        </p>
      </Page>,
    );
  });
};

/** The card counts once Stripe says so, not when the browser comes back. */
const CARD_IS_COMING =
  'Stripe has your card. It is shown here as soon as Stripe has told us, within seconds.';

async function loadInvoice(
  db: Db,
  accountId: string,
  invoiceId: string,
  asked: z.output<typeof lineQuery>,
): Promise<ShownInvoice> {
  const account = await requireAccount(db, accountId);
  const invoice = await findInvoice(db, accountId, invoiceId);
  if (invoice === undefined) throw unknownPage();
  const lines = await linesOf(db, accountId, invoiceId);
  const period = { from: invoice.periodStart, to: invoice.periodEnd };
  const unconfirmed = await unconfirmedOf(db, accountId, period);
  const line = lines.find(({ lineNumber }) => lineNumber === asked.line);
  if (line === undefined || !hasSegments(line)) {
    return { account, invoice, lines, unconfirmed, explained: undefined };
  }
  const explained = await explainLine(db, account, invoiceId, line);
  return {
    account,
    invoice,
    lines,
    unconfirmed,
    explained: { ...explained, line, after: asked.after },
  };
}

/** Addresses nobody of ours wrote lead nowhere. */
function parse<Schema extends z.ZodType>(schema: Schema, value: unknown): z.output<Schema> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw unknownPage();
}
