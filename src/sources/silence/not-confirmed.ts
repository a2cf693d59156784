import { formatSecond, type Second } from '../../values/instant.ts';
import type { Unconfirmed } from './unconfirmed.ts';

/** How far a silence goes whose end is not known. */
export type OpenEnd = 'now' | 'the invoice was made';

/** Says of one time what of a bill rests on a silent source's last reports; in pieces, for markup. */
export function notConfirmed<Piece>(
  { source, from, to }: Unconfirmed,
  open: OpenEnd,
  show: { readonly source: (source: string) => Piece; readonly at: (at: Second) => Piece },
): (string | Piece)[] {
  return [
    'Not confirmed: source ',
    show.source(source),
    ' reported nothing from ',
    show.at(from),
    ...(to === undefined ? [` until ${open}`] : [' to ', show.at(to)]),
    '; what ran of it then is counted as it was last reported.',
  ];
}

/** The same as text; names in quotes, since they may hold anything. */
export function notConfirmedText(time: Unconfirmed, open: OpenEnd): string {
  const show = { source: (source: string) => JSON.stringify(source), at: formatSecond };
  return notConfirmed(time, open, show).join('');
}
