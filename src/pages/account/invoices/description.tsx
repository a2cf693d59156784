import type { VNode } from 'preact';
import type { NumberedLine } from '../../../invoicing/page-invoices.ts';
import { Name } from '../../html/text.tsx';

/** What a line says, word for word; the name in it keeps its direction to itself, or would turn the numbers. */
export function Description({
  line: { description, app, database },
}: {
  readonly line: NumberedLine;
}): VNode {
  const name = database ?? app ?? '';
  const [before = '', ...after] = name === '' ? [description] : description.split(name);
  if (after.length === 0) return <Name>{description}</Name>;
  return (
    <span>
      {before}
      <Name>{name}</Name>
      {after.join(name)}
    </span>
  );
}
