import type { Answer } from '../../http/support/api.ts';
import type { Site } from './site.ts';

export const get = async (site: Site, url: string, cookie?: string): Promise<Answer> =>
  await site.api.call({ url, headers: cookie === undefined ? {} : { cookie } });

/** Sends a form as browsers do. */
export async function post(
  site: Site,
  url: string,
  fields: Record<string, string>,
  headers: Record<string, string> = {},
): Promise<Answer> {
  return await site.api.call({
    method: 'POST',
    url,
    body: new URLSearchParams(fields).toString(),
    headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
  });
}

/** The session an answer opens, as a header. */
export const cookieOf = ({ headers }: Answer): string =>
  String(headers['set-cookie']).split(';')[0]!;

/** The cookie of a fresh session: of an account, or of an operator. */
export async function signedIn(site: Site, accountId?: string): Promise<string> {
  const token = new URL(await site.link(accountId)).searchParams.get('token')!;
  return cookieOf(await post(site, '/sign-in/link', { token }));
}

export const csrfOf = ({ body }: Answer): string =>
  /name="csrf" value="([^"]+)"/.exec(String(body))![1]!;

/** The rows of a table's body and foot as texts. */
export function rowsOf(html: string, label: string): string[][] {
  const table = html.slice(html.indexOf(`aria-label="${label}`)).split('</table>')[0]!;
  return table
    .split('<tr')
    .slice(2)
    .map((row) =>
      [...row.matchAll(/<t[dh][^>]*>(.*?)<\/t[dh]>/g)].map(([, cell]) =>
        cell!
          .replaceAll(/<[^>]*>/g, '')
          .replaceAll('&nbsp;', ' ')
          .trim(),
      ),
    );
}
