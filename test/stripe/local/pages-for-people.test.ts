import { expect, it } from 'vitest';
import { customerWithCard, finalized, sdk, start } from './support.ts';

it('shows an invoice where it can be paid, and gives it as a PDF', async () => {
  const local = await start();
  const stripe = sdk(local);
  const { customer } = await customerWithCard(stripe);
  const { hosted_invoice_url: hosted, ...invoice } = await finalized(stripe, customer, [2500, 161]);
  const read = async (): Promise<string> => await (await fetch(hosted!)).text();
  expect(await read()).toMatch(/, open<.*\$25\.00.*\$1\.61.*\$26\.61/s);

  const pdf = await (await fetch(invoice.invoice_pdf!)).text();
  expect(pdf).toMatch(/^%PDF-1.*\$26\.61 +Total.*%%EOF\n$/s);
  expect(pdf.match(/\/Type \/Page\b/g)).toHaveLength(1);

  const pay = async (token: string): Promise<Response> =>
    await fetch(new URL(/action="([^"]+)"/.exec(await read())![1]!, hosted!), {
      method: 'POST',
      body: new URLSearchParams({ token }),
    });
  const declined = await pay('tok_chargeDeclined');
  expect([declined.status, await declined.text()]).toEqual([
    402,
    expect.stringContaining('declined'),
  ]);
  expect(await (await pay('tok_visa')).text()).toContain(', paid<');
  expect((await stripe.invoices.retrieve(invoice.id)).status).toBe('paid');
  expect((await fetch(`${local.url}/local/invoices/in_nobody`)).status).toBe(404);
});
