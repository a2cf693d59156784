/** What a command of the CLI sends. */
export type Sent = {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly path: string;
  /** Instead of what ~/.netrc holds. */
  readonly auth?: readonly [string, string];
  readonly json?: unknown;
  /** Release 0.15.0 leaves it out in three places; a JSON body always has it. */
  readonly isUntyped?: true;
};

// What a test expects of an answer is said where it looks.
// oxlint-disable-next-line typescript/no-explicit-any
export type Json = any;

export type Received = { readonly status: number; readonly text: string; readonly json: Json };

/** What the CLI prints on stderr before it exits with 1. */
export class CommandFailed extends Error {
  readonly status: number;

  constructor(status: number, printed: string) {
    super(printed);
    this.status = status;
  }
}

export const NOT_AUTHORIZED = 'Sorry, you do not have access to that app.';

/** One person's terminal: the host the CLI is pointed at, and the ~/.netrc it reads and writes. */
export type Terminal = {
  readonly userAgent: string;
  netrc: readonly [string, string] | undefined;
  readonly send: (sent: Sent) => Promise<Received>;
  /** Sends, and fails as the CLI does when the status is another than the one it waits for. */
  readonly expect: (status: number, sent: Sent) => Promise<Json>;
};

export function openTerminal(host: string, userAgent: string): Terminal {
  const terminal: Terminal = {
    userAgent,
    netrc: undefined,
    send: async (sent) => {
      const [email, secret] = sent.auth ?? terminal.netrc ?? [];
      const isTyped = sent.json !== undefined || sent.isUntyped !== true;
      const response = await fetch(`${host}${sent.path}`, {
        method: sent.method,
        headers: {
          'user-agent': terminal.userAgent,
          accept: '*/*',
          ...(isTyped ? { 'content-type': 'application/json' } : {}),
          ...(email === undefined ? {} : { authorization: basic(email, secret!) }),
        },
        ...(sent.json === undefined ? {} : { body: JSON.stringify(sent.json) }),
      });
      if (response.headers.has('x-latest-version')) throw new Error('x-latest-version was sent');
      const text = await response.text();
      return { status: response.status, text, json: readJson(text) };
    },
    expect: async (status, sent) => {
      const received = await terminal.send(sent);
      if (received.status === status) return received.json?.data;
      throw new CommandFailed(
        received.status,
        received.status === 401 ? NOT_AUTHORIZED : received.text,
      );
    },
  };
  return terminal;
}

export function basic(email: string, secret: string): string {
  return `Basic ${Buffer.from(`${email}:${secret}`).toString('base64')}`;
}

function readJson(text: string): Json {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
