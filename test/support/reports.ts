/** Builds reported events for tests: CloudEvents with ids counted up. */
export type Report = {
  readonly specversion: string;
  readonly id: string;
  readonly source: string;
  readonly type: string;
  readonly time: string;
  readonly sequence?: string;
  readonly data: Readonly<Record<string, unknown>>;
};

export function reporter(source = 'controller') {
  let count = 0;
  return (type: string, time: string, data: Record<string, unknown>): Report => ({
    specversion: '1.0',
    id: `e-${++count}`,
    source,
    type,
    time,
    data,
  });
}
