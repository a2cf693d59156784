import Table from 'cli-table3';

/** Where a command writes: data on stdout, everything else on stderr. */
export type Output = {
  data(text: string): void;
  note(text: string): void;
};

export const terminal: Output = {
  data: (text) => void process.stdout.write(`${text}\n`),
  note: (text) => void process.stderr.write(`${text}\n`),
};

/**
 * Watches what is written from now on. The answer passes an exit code on when its reader has taken all of it,
 * since an exit before that cuts it off; a reader that is gone has seen enough. What could not be written, such
 * as to a full disk, makes it 1.
 */
export function watchWriting(): (code: number) => Promise<number> {
  const streams = [process.stdout, process.stderr];
  const failed: Error[] = [];
  for (const stream of streams) {
    stream.on('error', (error) => {
      if (!('code' in error && error.code === 'EPIPE')) failed.push(error);
    });
  }
  return async (code) => {
    await Promise.all(
      streams.map(async (stream) => await new Promise((resolve) => stream.write('', resolve))),
    );
    return failed.length === 0 ? code : 1;
  };
}

/** One JSON document; bigints must be strings or numbers by now. */
export function printJson(output: Output, value: unknown): void {
  output.data(JSON.stringify(value, undefined, 2));
}

export type Column = { readonly title: string; readonly align?: 'left' | 'right' };

/** An aligned table without borders, readable in any terminal and in files. */
export function tableOf(
  columns: readonly Column[],
  rows: readonly (readonly (string | number | bigint)[])[],
): string {
  const table = new Table({
    head: columns.map(({ title }) => title),
    colAligns: columns.map(({ align }) => align ?? 'left'),
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 2 },
    chars: Object.fromEntries(BORDERS.map((border) => [border, ''])),
  });
  table.push(...rows.map((row) => row.map(String)));
  return table
    .toString()
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n');
}

const BORDERS = [
  'top',
  'top-mid',
  'top-left',
  'top-right',
  'bottom',
  'bottom-mid',
  'bottom-left',
  'bottom-right',
  'left',
  'left-mid',
  'mid',
  'mid-mid',
  'right',
  'right-mid',
  'middle',
];
