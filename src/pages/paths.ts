/** Ids may hold any printable character. */
export function accountPath(accountId: string): string {
  return `/account/${encodeURIComponent(accountId)}`;
}

export function invoicePath(accountId: string, invoiceId: string): string {
  return `${accountPath(accountId)}/invoices/${encodeURIComponent(invoiceId)}`;
}

export function operatorAccountPath(accountId: string): string {
  return `/operator/accounts/${encodeURIComponent(accountId)}`;
}
