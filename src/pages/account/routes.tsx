import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import { requireAccount } from '../../accounts/require-account.ts';
import { readDesired } from '../../platform/desired-state.ts';
import { priceBooksOf } from '../../pricing/store.ts';
import { startCheckout } from '../../stripe/cards/checkout.ts';
import { isIdentifier } from '../../values/identifier.ts';
import { toSecond } from '../../values/instant.ts';
import type { PageRoutes } from '../dependencies.ts';
import { Page, sendFragment, sendPage } from '../html/page.tsx';
import { Name } from '../html/text.tsx';
import { accountPath } from '../paths.ts';
import { requireOwnAccount, unknownPage, viewerOf } from '../session/guard.ts';
import { BillPage } from './bill-page.tsx';
import { InvoicePage } from './invoices/invoice-page.tsx';
import { loadBill } from './load-bill.ts';
import { loadInvoice } from './invoices/load-invoice.ts';
import { answerQuote, Answer, quoteQuery } from './quote-box.tsx';

const accountParams = z.object({ account: z.string().refine(isIdentifier) });
const invoiceParams = accountParams.extend({ invoice: z.string().refine(isIdentifier) });
const count = z.coerce.number().int().min(0).max(1e12);
const billQuery = z.object({
  levels: z.string().optional(),
  card: z.string().optional(),
  /** Invoices of periods that began earlier. */
  before: count.optional().catch(undefined),
});
const lineQuery = z.object({
  /** The lines after this one. */
  from: count.catch(0),
  line: count.optional().catch(undefined),
  /** The segments after this one. */
  after: count.catch(0),
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
    const { levels, card, before } = billQuery.parse(request.query);
    const options = {
      withLevels: levels !== undefined,
      invoicesBefore: before === undefined ? undefined : BigInt(before),
    };
    const bill = await readAs(
      viewer.accountId,
      async (db) => await loadBill(db, accountId, clock(), options),
    );
    const asked = quoteQuery.safeParse(request.query).data;
    const quote = asked && answerQuote({ ...bill, limits }, asked);
    const notice = card === 'set' ? CARD_IS_COMING : undefined;
    await sendPage(reply, <BillPage bill={bill} quote={quote} viewer={viewer} notice={notice} />);
  });
  server.get('/account/:account/quote', async (request, reply) => {
    const accountId = accountOf(request);
    const asked = parse(quoteQuery, request.query);
    const at = toSecond(clock());
    const answer = await readAs(viewerOf(request).accountId, async (db) => {
      const account = await requireAccount(db, accountId);
      const desired = await readDesired(db, accountId);
      const priceBooks = await priceBooksOf(db, accountId);
      return answerQuote({ account, desired, priceBooks, at, limits }, asked);
    });
    await sendFragment(reply, <Answer answer={answer} />);
  });
  server.get('/account/:account/invoices/:invoice', async (request, reply) => {
    const accountId = accountOf(request);
    const viewer = viewerOf(request);
    const { invoice } = parse(invoiceParams, request.params);
    const { from, line, after } = lineQuery.parse(request.query);
    const shown = await readAs(
      viewer.accountId,
      async (db) => await loadInvoice(db, accountId, invoice, line),
    );
    const page = <InvoicePage shown={shown} viewer={viewer} from={from} after={after} />;
    await sendPage(reply, page);
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
        <div class="narrow">
          <h1>To Stripe</h1>
          <p>
            The card of <Name>{accountId}</Name> is set on a page of Stripe's.{' '}
            <a href={url}>Go there</a> if your browser does not by itself.
          </p>
        </div>
      </Page>,
    );
  });
};

/** The card counts once Stripe says so, not when the browser comes back. */
const CARD_IS_COMING =
  'Stripe has your card. It is shown here as soon as Stripe has told us, within seconds.';

/** Addresses nobody of ours wrote lead nowhere. */
function parse<Schema extends z.ZodType>(schema: Schema, value: unknown): z.output<Schema> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw unknownPage();
}
