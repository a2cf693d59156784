import { contract } from '../contract/contract.ts';
import { invalid, Refusal } from '../refusal.ts';

/** Refuses what has no test key, and API versions other than the one imitated. */
export function demandAccess(authorization: string | null, version: string | null): void {
  const key = keyOf(authorization ?? '');
  if (key === '') {
    throw unauthorized(
      "You did not provide an API key. You need to provide your API key in the Authorization header, using Bearer auth (e.g. 'Authorization: Bearer YOUR_SECRET_KEY').",
    );
  }
  if (!/^(sk|rk)_test_/.test(key)) {
    throw unauthorized(
      'Invalid API Key provided: the local Stripe takes keys that begin with sk_test_ or rk_test_ only.',
    );
  }
  const known = contract().apiVersion;
  if (version !== null && version !== known) {
    throw invalid(`Invalid Stripe API version: ${version}. The local Stripe speaks ${known} only.`);
  }
}

export function unauthorized(message: string): Refusal {
  return new Refusal(401, { type: 'invalid_request_error', message });
}

/** Bearer, or the user name of Basic. */
function keyOf(authorization: string): string {
  const [scheme = '', credentials = ''] = authorization.split(' ');
  if (scheme.toLowerCase() === 'bearer') return credentials;
  if (scheme.toLowerCase() !== 'basic') return '';
  return Buffer.from(credentials, 'base64').toString('utf8').split(':')[0] ?? '';
}
