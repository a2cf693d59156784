import pg from 'pg';

/** A statement, by the function of src/ that sent it. */
export type SentStatement = { readonly sender: string; readonly text: string };

/**
 * From now on keeps every distinct statement that code in src/ sends to PostgreSQL, whichever pool of this process it
 * comes from; what tests ask by themselves is left out.
 */
export function keepSentStatements(): ReadonlyMap<string, SentStatement> {
  const sent = new Map<string, SentStatement>();
  const query = pg.Client.prototype.query;
  Object.assign(pg.Client.prototype, {
    query(this: pg.Client, ...args: readonly unknown[]) {
      const text = textOf(args[0]);
      if (text !== undefined && !sent.has(text)) {
        const sender = senderOf();
        if (sender !== undefined) sent.set(text, { sender, text });
      }
      return Reflect.apply(query, this, args) as unknown;
    },
  });
  return sent;
}

function textOf(query: unknown): string | undefined {
  if (typeof query === 'string') return query;
  return typeof query === 'object' && query !== null && 'text' in query
    ? String(query.text)
    : undefined;
}

const FRAME = /at (?:async )?(?:(?<name>[\w.$<>]+) \()?(?:file:\/\/)?(?<file>[^():]+):\d+:\d+\)?$/;
/** They send what others made. */
const PASSED_ON =
  /^(src\/database\/(pool|extend-queries|copy)|test\/support\/account-first\/sent-statements)\.ts$/;

/** The innermost file outside packages and the ways into the database, with its first named function; only in src/. */
function senderOf(): string | undefined {
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 100;
  const stack = new Error('sent').stack ?? '';
  Error.stackTraceLimit = stackTraceLimit;
  const frames = stack.split('\n').flatMap((line) => {
    const { name = '', file = '' } = FRAME.exec(line.trim())?.groups ?? {};
    const local = file.startsWith(ROOT) ? file.slice(ROOT.length) : undefined;
    const isOurs = local !== undefined && !local.startsWith('node_modules/');
    return isOurs && !PASSED_ON.test(local) ? [{ name, file: local }] : [];
  });
  const sender = frames[0];
  if (!sender?.file.startsWith('src/')) return undefined;
  const named = frames.find(({ file, name }) => file === sender.file && /^\w+$/.test(name));
  return named ? `${sender.file} ${named.name}` : sender.file;
}

const ROOT = `${process.cwd()}/`;
