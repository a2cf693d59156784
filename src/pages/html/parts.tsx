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

/** A table that scrolls by itself where the screen is narrow. */
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
      <td key={index} class={columns[index]?.align}>
        {cell}
      </td>
    ));
  return (
    <div class="scroll" role="region" aria-label={label} tabIndex={0}>
      <table>
        <thead>
          <tr>
            {columns.map(({ title, align }) => (
              <th key={title} scope="col" class={align}>
                {title}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row, index) => (
            <tr key={index}>{cells(row)}</tr>
          ))}
        </tbody>
        {foot === undefined ? null : (
          <tfoot>
            <tr>{cells(foot)}</tr>
          </tfoot>
        )}
      </table>
    </div>
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
