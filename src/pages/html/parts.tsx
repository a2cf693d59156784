import type { ComponentChildren, VNode } from 'preact';

/** A number people look at first. */
export function Tile({
  label,
  value,
  children,
}: {
  readonly label: string;
  readonly value: ComponentChildren;
  readonly children?: ComponentChildren;
}): VNode {
  return (
    <div class="tile">
      <dt>{label}</dt>
      <dd>
        <strong>{value}</strong>
        {children === undefined ? null : <span class="note">{children}</span>}
      </dd>
    </div>
  );
}

export type Column = { readonly title: string; readonly align?: 'right' };

/** More columns than a phone has room for: there each row becomes a block of named values. */
const MANY_COLUMNS = 3;

/** A table that fits a narrow screen. Its roles are said, as they are lost where its rows become blocks. */
export function Table({
  label,
  columns,
  rows,
  empty,
  foot,
}: {
  readonly label: string;
  readonly columns: readonly Column[];
  readonly rows: readonly (readonly ComponentChildren[])[];
  /** Said instead of a table without rows. */
  readonly empty: string;
  readonly foot?: readonly ComponentChildren[];
}): VNode {
  if (rows.length === 0) return <p class="empty">{empty}</p>;
  const cells = (row: readonly ComponentChildren[]): VNode[] =>
    row.map((cell, index) => (
      <td key={index} role="cell" class={columns[index]?.align} data-label={columns[index]?.title}>
        {cell}
      </td>
    ));
  return (
    <div class="scroll" role="region" aria-label={label} tabIndex={0}>
      <table role="table" class={columns.length < MANY_COLUMNS ? undefined : 'stacks'}>
        <thead role="rowgroup">
          <tr role="row">
            {columns.map(({ title, align }) => (
              <th key={title} role="columnheader" scope="col" class={align}>
                {title}
              </th>
            ))}
          </tr>
        </thead>
        <tbody role="rowgroup">
          {rows.map((row, index) => (
            <tr key={index} role="row">
              {cells(row)}
            </tr>
          ))}
        </tbody>
        {foot === undefined ? null : (
          <tfoot role="rowgroup">
            <tr role="row">{cells(foot)}</tr>
          </tfoot>
        )}
      </table>
    </div>
  );
}

/** Links to what is before and after the rows that are shown; nothing when these are all. */
export function Pages({
  rows,
  from,
  isLast,
  perPage,
  linkTo,
}: {
  readonly rows: readonly unknown[];
  /** How many rows are left out before those that are shown. */
  readonly from: number;
  readonly isLast: boolean;
  readonly perPage: number;
  readonly linkTo: (from: number) => string;
}): VNode | null {
  if (from === 0 && isLast) return null;
  return (
    <p class="links no-print">
      {from > 0 ? <a href={linkTo(Math.max(0, from - perPage))}>Back</a> : null}
      {rows.length === 0 ? null : (
        <span class="note">
          {from + 1} to {from + rows.length}
        </span>
      )}
      {isLast ? null : <a href={linkTo(from + rows.length)}>More</a>}
    </p>
  );
}

export function Section({
  title,
  id,
  aside,
  children,
}: {
  readonly title: string;
  readonly id?: string;
  readonly aside?: ComponentChildren;
  readonly children: ComponentChildren;
}): VNode {
  return (
    <section id={id}>
      <div class="heading">
        <h2>{title}</h2>
        {aside === undefined ? null : <div class="aside">{aside}</div>}
      </div>
      {children}
    </section>
  );
}
