import type { VNode } from 'preact';
import type { QueueState } from '../../dependencies.ts';
import { Section, Table } from '../../html/parts.tsx';
import { Badge, Instant, Name, plural } from '../../html/text.tsx';
import type { Day } from './day-store.ts';

/** How far the queues are, and what holds calls to Stripe back. */
export function Work({
  queues,
  heldBack,
}: {
  readonly queues: readonly QueueState[];
  readonly heldBack: Day['heldBack'];
}): VNode {
  const right = { align: 'right' } as const;
  const count = ({ counts }: QueueState, state: string): string =>
    (counts[state] ?? 0).toLocaleString('en-US');
  return (
    <div class="columns">
      <Section title="Queues" aside={<a href="/operator/queues">Board</a>}>
        <Table
          label="Jobs of each queue"
          columns={[
            { title: 'Queue' },
            { title: 'Waiting', ...right },
            { title: 'Active', ...right },
            { title: 'Delayed', ...right },
            { title: 'Failed', ...right },
          ]}
          rows={queues.map((queue) => [
            queue.name,
            count(queue, 'waiting'),
            count(queue, 'active'),
            count(queue, 'delayed'),
            count(queue, 'failed'),
          ])}
          empty="This process has no queues."
        />
      </Section>
      <Section title="Rate of calls to Stripe">
        <Table
          label="Calls that are held back"
          columns={[{ title: 'Calls' }, { title: 'Rate' }]}
          rows={heldBack.map(({ bucket, halvings, shutUntil }) => [
            bucket === '*' ? 'all' : bucket,
            shutUntil === undefined ? (
              <Badge tone="warn">1/{2 ** halvings} of the full rate</Badge>
            ) : (
              <Badge tone="bad">
                none until <Instant at={shutUntil} to="second" />
              </Badge>
            ),
          ])}
          empty="All go at their full rate: Stripe refused none lately."
        />
      </Section>
    </div>
  );
}

const WHEN_SILENT: Readonly<Record<string, string>> = {
  hold: 'what runs goes on',
  close: 'what runs ends',
  flag: 'bills say so',
};

/** `every hour`, `every 15 minutes`: in the largest unit that gives a whole number. */
function every(seconds: number): string {
  const [length, unit] = (
    [
      [3600, 'hour'],
      [60, 'minute'],
      [1, 'second'],
    ] as const
  ).find(([one]) => seconds % one === 0)!;
  return seconds === length ? `every ${unit}` : `every ${plural(seconds / length, unit)}`;
}

export function Sources({ sources }: { readonly sources: Day['sources'] }): VNode {
  return (
    <Section title="Who reports" id="sources">
      <Table
        label="Sources of events, the silent ones first"
        columns={[
          { title: 'Source' },
          { title: 'Heard last (UTC)' },
          { title: 'Expected' },
          { title: 'When it is silent' },
          { title: 'State' },
        ]}
        rows={sources.map((row) => [
          <Name>{row.source}</Name>,
          row.lastHeardAt === undefined ? 'never' : <Instant at={row.lastHeardAt} to="second" />,
          row.expectedEverySeconds === undefined ? 'not expected' : every(row.expectedEverySeconds),
          WHEN_SILENT[row.policy] ?? row.policy,
          row.silentSince === undefined ? (
            <Badge tone="good">heard</Badge>
          ) : (
            <Badge tone="bad">
              silent since <Instant at={row.silentSince} />
            </Badge>
          ),
        ])}
        empty="Nobody has reported anything yet."
      />
    </Section>
  );
}
