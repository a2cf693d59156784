const ROOT = `${process.cwd()}/`;
const FRAME = /at (?:async )?(?:(?<name>[\w.$<>]+) \()?(?:file:\/\/)?(?<file>[^():]+):\d+:\d+\)?$/;
/** They send what others made. */
const PASSED_ON =
  /^(src\/database\/(pool|extend-queries|copy)|test\/support\/(sender|one-connection|account-first\/sent-statements))\.ts$/;

/** The innermost file outside packages and the ways into the database, with its first named function; only in src/. */
export function senderOf(): string | undefined {
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
