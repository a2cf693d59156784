import type { VNode } from 'preact';
import type { PricedSegment } from '../../../invoicing/explaining/price-segments.ts';
import { fromTenths } from '../../../values/size.ts';
import { Pages, Table } from '../../html/parts.tsx';
import { Instant, Money, Name, Quantity } from '../../html/text.tsx';
import { Description } from './description.tsx';
import type { ShownInvoice } from './load-invoice.ts';

/** So that a page stays small, whatever happened in a period. */
const SEGMENTS_PER_PAGE = 30;

/** What a line of an invoice adds up from, to the second and to the cent. */
export function Segments({
  shown: { line, segments, rest, archived },
  from,
  after,
}: {
  readonly shown: NonNullable<ShownInvoice['explained']>;
  /** How many lines, and segments, are left out before those that are shown. */
  readonly from: number;
  readonly after: number;
}): VNode {
  const page = segments.slice(after, after + SEGMENTS_PER_PAGE);
  const kind = line.database === undefined ? 'app' : 'database';
  const isLast = after + SEGMENTS_PER_PAGE >= segments.length;
  return (
    <div class="segments no-print" id="segments">
      <h2>Segments of line {line.lineNumber}</h2>
      <p class="note">
        <Description line={line} />
      </p>
      <Table
        label={`Segments of line ${line.lineNumber}`}
        columns={[
          { title: 'From (UTC)' },
          { title: 'To (UTC)' },
          { title: 'What ran' },
          { title: 'Quantity', align: 'right' },
          { title: 'Amount', align: 'right' },
          { title: 'Set by event' },
        ]}
        rows={[
          ...page.map((one) => [
            <Instant at={one.from} to="second" />,
            <Instant at={one.to} to="second" />,
            <Level kind={kind} segment={one} />,
            <Quantity kind={kind} units={one.units} />,
            <Money cents={one.amountCents} />,
            <span class="note">
              <Name>{`${one.startedBy.source}/${one.startedBy.id}`}</Name>
            </span>,
          ]),
          ...(rest === undefined || !isLast
            ? []
            : [
                [
                  'rounding and what was corrected since',
                  '',
                  '',
                  <Quantity kind={kind} units={rest.units} />,
                  <Money cents={rest.amountCents} />,
                  '',
                ],
              ]),
        ]}
        foot={[
          'Line',
          '',
          '',
          <Quantity kind={kind} units={line.quantity} />,
          <Money cents={line.amountCents} />,
          '',
        ]}
        empty={archived === undefined ? 'No segment accounts for this line.' : `Its ${archived}.`}
      />
      <Pages
        rows={page}
        from={after}
        isLast={isLast}
        perPage={SEGMENTS_PER_PAGE}
        linkTo={(start) => `?from=${from}&line=${line.lineNumber}&after=${start}#segments`}
      />
    </div>
  );
}

function Level({
  kind,
  segment: { level, sizeTenths, job },
}: {
  readonly kind: 'app' | 'database';
  readonly segment: PricedSegment;
}): VNode {
  const size = fromTenths(sizeTenths);
  if (kind === 'database') return <>size {size}</>;
  if (job === undefined) return <>{`${level / BigInt(sizeTenths)} × ${size}`}</>;
  return (
    <>
      job <Name>{job}</Name>, size {size}
    </>
  );
}
