/** Some rows of a list: those behind the first `from`. */
export type Slice<Row> = {
  readonly rows: readonly Row[];
  readonly from: number;
  readonly isLast: boolean;
};

/** Of one row more than are shown, which tells whether it is the last slice. */
export function sliceOf<Row>(rows: readonly Row[], from: number, limit: number): Slice<Row> {
  return { rows: rows.slice(0, limit), from, isLast: rows.length <= limit };
}
