import type { ComponentChildren, VNode } from 'preact';
import { totalReplicas } from '../../limits/holdings.ts';
import { FREE_DATABASES, FREE_DATABASE_ROWS, FREE_INSTANCES } from '../../limits/rules.ts';
import { totalOf } from '../../pricing/line.ts';
import { Section } from '../html/parts.tsx';
import { Money, Name } from '../html/text.tsx';
import type { Bill } from './load-bill.ts';

/** Who has more is far beyond the limit of databases. */
const MOST_METERS = 6;

/** How much of the free tier is used, and what an upgrade would change of each part. */
export function FreeTier({ bill }: { readonly bill: Bill }): VNode {
  const { desired, chargedRate, soFar } = bill;
  const databases = desired.databases.filter(({ state }) => state !== 'DELETED');
  const days = Number(soFar.period.end - soFar.period.start) / 86_400;
  const costOf = (kind: 'app' | 'database'): VNode => (
    <>
      ; what runs costs{' '}
      <Money cents={totalOf(chargedRate.lines.filter((line) => line.kind === kind))} />
    </>
  );
  return (
    <Section title="Free tier" id="free-tier">
      <div class="meters">
        <Meter label="Instances" value={totalReplicas(desired.apps)} max={FREE_INSTANCES}>
          any number, each up to size 16{costOf('app')}
        </Meter>
        <Meter label="Databases" value={databases.length} max={FREE_DATABASES}>
          one for each app, up to size 128{costOf('database')}
        </Meter>
        {databases.slice(0, MOST_METERS).map(({ database, observedRows }) => (
          <Meter
            key={database}
            label={
              <>
                Rows in <Name>{database}</Name>
              </>
            }
            value={Number(observedRows ?? 0n)}
            max={FREE_DATABASE_ROWS}
            nearly={0.8 * FREE_DATABASE_ROWS}
          >
            as many as fit
          </Meter>
        ))}
      </div>
      <p>
        After an upgrade, what runs now costs{' '}
        <strong>
          <Money cents={chargedRate.totalCents} />
        </strong>{' '}
        for {days} days, counted from the second of the upgrade; what was used before stays free.
        Set a card below, then upgrade by the platform's command line. There is no way back to the
        free tier.
      </p>
    </Section>
  );
}

function Meter({
  label,
  value,
  max,
  nearly = max,
  children,
}: {
  readonly label: ComponentChildren;
  readonly value: number;
  readonly max: number;
  /** Beyond this the limit is close. */
  readonly nearly?: number;
  /** What holds instead after an upgrade. */
  readonly children: ComponentChildren;
}): VNode {
  const isOver = value > max;
  return (
    <div class={isOver ? 'meter over' : 'meter'}>
      <label>
        <span>{label}</span>
        <meter
          min={0}
          max={Math.max(value, max)}
          low={nearly}
          high={max}
          optimum={0}
          value={value}
        />
      </label>
      <p>
        {value.toLocaleString('en-US')} of {max.toLocaleString('en-US')}
        {isOver ? ': over the limit' : ''}
      </p>
      <p class="note">After an upgrade: {children}.</p>
    </div>
  );
}
