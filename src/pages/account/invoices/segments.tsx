import type { VNode } from 'preact';
import type { NumberedLine } from '../../invoicing/page-invoices.ts';
import type { ExplainedSegments, PricedSegment } from '../../invoicing/price-segments.ts';
import { fromTenths } from '../../values/size.ts';
import { Table } from '../html/parts.tsx';
import { Instant, Money, Name, Quantity } from '../html/text.tsx';

export type ShownSegments = ExplainedSegments & {
  readonly line: NumberedLine;
  /** How many are left out before those that are shown. */
  readonly after: number;
};

/** So that a page stays small, whatever happened in a period. */
export const SEGMENTS_PER_PAGE = 100;

/** What a line of an invoice adds up from, to the second and to the cent. */
export function Segments({
  path,
  shown: { line, segments, rest, after },
}: {
  readonly path: string;
  readonly shown: ShownSegments;
}): VNode {
  const page = segments.slice(after, after + SEGMENTS_PER_PAGE);
  const kind = line.database === undefined ? 'app' : 'database';
  const isLast = after + SEGMENTS_PER_PAGE >= segments.length;
  const pageLink = (start: number, label: string): VNode => (
    <a href={`${path}?line=${line.lineNumber}&after=${start}#segments`}>{label}</a>
  );
  return (
    <div class="segments no-print" id="segments">
      <h2>
        Segments of line {line.lineNumber}: <span class="name">{line.description}</span>
      </h2>
      <Table
        label={`Segments of line ${line.lineNumber}`}
        columns={[
          { title: 'From' },
          { title: 'To' },
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
        empty="No segment accounts for this line."
      />
      {segments.length <= SEGMENTS_PER_PAGE ? null : (
        <p class="links">
          {after > 0 ? pageLink(Math.max(0, after - SEGMENTS_PER_PAGE), 'earlier') : null}
          <span>
            {after + 1} to {after + page.length} of {segments.length}
          </span>
          {isLast ? null : pageLink(after + SEGMENTS_PER_PAGE, 'later')}
        </p>
      )}
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
