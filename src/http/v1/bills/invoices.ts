import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { requireAccount } from '../../../accounts/require-account.ts';
import type { Db } from '../../../database/pool.ts';
import type { ReadAs } from '../../../database/row-level-security.ts';
import {
  findInvoice,
  linesOf,
  pageInvoices,
  type InvoiceHead,
} from '../../../invoicing/page-invoices.ts';
import { unconfirmedOnInvoice } from '../../../invoicing/unconfirmed-store.ts';
import { Fault } from '../../../values/fault.ts';
import { ownAccount } from '../authenticate.ts';
import {
  headToJson,
  invoiceHead,
  invoiceLine,
  invoiceWithLines,
  lineToJson,
} from './invoice-json.ts';
import { accountParams, identifier, next, pageOf, paging, PROBLEMS } from '../schemas.ts';
import { unconfirmedToJson } from './unconfirmed.ts';

export const invoiceParams = accountParams.extend({ invoice: identifier });

/** Invoices of an account, and what is on them. */
export function invoiceRoutes({ readAs }: { readonly readAs: ReadAs }): FastifyPluginAsyncZod {
  return async (server) => {
    const common = { tags: ['Invoices'] };
    server.route({
      method: 'GET',
      url: '/accounts/:account/invoices',
      config: { scope: 'read' },
      schema: {
        ...common,
        operationId: 'listInvoices',
        summary: 'All invoices, oldest first; voided ones are left out',
        params: accountParams,
        querystring: z.strictObject(paging),
        response: { 200: z.object({ invoices: z.array(invoiceHead), next }), ...PROBLEMS },
      },
      handler: async (request) => {
        const { account } = request.params;
        const { limit, after } = request.query;
        const invoices = await readAs(ownAccount(request), async (db) => {
          await requireAccount(db, account);
          return await pageInvoices(db, account, { after, limit: limit + 1 });
        });
        const page = pageOf(invoices, limit, ({ invoiceId }) => invoiceId);
        return { invoices: page.rows.map(headToJson), next: page.next };
      },
    });
    server.route({
      method: 'GET',
      url: '/accounts/:account/invoices/:invoice',
      config: { scope: 'read' },
      schema: {
        ...common,
        operationId: 'getInvoice',
        summary: 'An invoice with its lines',
        params: invoiceParams,
        response: { 200: invoiceWithLines, ...PROBLEMS },
      },
      handler: async (request) => {
        const { account, invoice } = request.params;
        return await readAs(ownAccount(request), async (db) => {
          const head = await requireInvoice(db, account, invoice);
          const lines = await linesOf(db, account, invoice);
          return {
            ...headToJson(head),
            lines: lines.map(lineToJson),
            unconfirmed: unconfirmedToJson(await unconfirmedOnInvoice(db, account, invoice)),
          };
        });
      },
    });
    server.route({
      method: 'GET',
      url: '/accounts/:account/invoices/:invoice/lines',
      config: { scope: 'read' },
      schema: {
        ...common,
        operationId: 'listInvoiceLines',
        summary: 'The lines of an invoice',
        params: invoiceParams,
        response: { 200: z.object({ lines: z.array(invoiceLine) }), ...PROBLEMS },
      },
      handler: async (request) => {
        const { account, invoice } = request.params;
        return await readAs(ownAccount(request), async (db) => {
          await requireInvoice(db, account, invoice);
          const lines = await linesOf(db, account, invoice);
          return { lines: lines.map(lineToJson) };
        });
      },
    });
  };
}

/** @throws Fault `invoice_unknown`. */
export async function requireInvoice(
  db: Db,
  account: string,
  invoiceId: string,
): Promise<InvoiceHead> {
  await requireAccount(db, account);
  const head = await findInvoice(db, account, invoiceId);
  if (head !== undefined) return head;
  const message = `account ${account} has no invoice ${invoiceId}`;
  throw new Fault('not_found', 'invoice_unknown', message);
}
