import type { VNode } from 'preact';
import { notConfirmed, type OpenEnd } from '../../sources/silence/not-confirmed.ts';
import type { Unconfirmed } from '../../sources/silence/unconfirmed.ts';
import { Instant, Name } from '../html/text.tsx';

/** Says which numbers of a bill rest on what a silent source reported last; nothing when none do. */
export function UnconfirmedNote({
  times,
  open,
}: {
  readonly times: readonly Unconfirmed[];
  readonly open: OpenEnd;
}): VNode | null {
  if (times.length === 0) return null;
  return (
    <div class="alert warn" role="note">
      {times.map((time) => (
        <p key={`${time.source} ${time.from}`}>
          {notConfirmed(time, open, {
            source: (source) => <Name>{source}</Name>,
            at: (at) => <Instant at={at} />,
          })}
        </p>
      ))}
    </div>
  );
}
