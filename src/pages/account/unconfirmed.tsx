import type { VNode } from 'preact';
import type { Unconfirmed } from '../../sources/silence/unconfirmed.ts';
import { Instant, Name } from '../html/text.tsx';

/** Says which numbers of a bill rest on what a silent source reported last; nothing when none do. */
export function UnconfirmedNote({
  times,
  open = 'until now',
}: {
  readonly times: readonly Unconfirmed[];
  /** How far a silence goes whose end is not known. */
  readonly open?: string;
}): VNode | null {
  if (times.length === 0) return null;
  return (
    <div class="alert warn" role="note">
      {times.map(({ source, from, to }) => (
        <p key={`${source} ${from}`}>
          Not confirmed: <Name>{source}</Name> reported nothing from <Instant at={from} />{' '}
          {to === undefined ? (
            open
          ) : (
            <>
              to <Instant at={to} />
            </>
          )}
          . What ran of it then is counted as it was last reported.
        </p>
      ))}
    </div>
  );
}
