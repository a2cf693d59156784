import type { VNode } from 'preact';
import { totalReplicas } from '../../limits/holdings.ts';
import { FREE_DATABASES, FREE_DATABASE_ROWS, FREE_INSTANCES } from '../../limits/rules.ts';
import { Section } from '../html/parts.tsx';
import { Money, Name } from '../html/text.tsx';
import type { Bill } from './load-bill.ts';

/** Who has more is far beyond the limit of databases. */
const MOST_METERS = 6;

/** How much of the free tier is used, and what an upgrade would change. */
export function FreeTier({ bill }: { readonly bill: Bill }): VNode {
  const { desired, chargedRate, soFar } = bill;
  const databases = desired.databases.filter(({ state }) => state !== 'DELETED');
  const days = Number(soFar.period.end - soFar.period.start) / 86_400;
  return (
    <Section title="Free tier" id="free-tier">
      <div class="meters">
        <Meter label="Instances" value={totalReplicas(desired.apps)} max={FREE_INSTANCES} />
        <Meter label="Databases" value={databases.length} max={FREE_DATABASES} />
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
          />
        ))}
      </div>
      <p>
        After an upgrade these limits are gone: any number of replicas up to size 16, databases up
        to size 128, as many rows as fit. What runs now would then cost{' '}
        <strong>
          <Money cents={chargedRate.totalCents} />
        </strong>{' '}
        for {days} days, counted from the second of the upgrade; what was used before stays free. It
        needs a card first. There is no way back to the free tier.
      </p>
    </Section>
  );
}

function Meter({
  label,
  value,
  max,
}: {
  readonly label: VNode | string;
  readonly value: number;
  readonly max: number;
}): VNode {
  const isOver = value > max;
  return (
    <label class={isOver ? 'meter over' : 'meter'}>
      <span>{label}</span>
      <meter min={0} max={max} value={Math.min(value, max)} />
      <span>
        {value.toLocaleString('en-US')} of {max.toLocaleString('en-US')}
        {isOver ? ': over the limit' : ''}
      </span>
    </label>
  );
}
