import { CommandFailed, openTerminal, type Terminal } from './terminal.ts';

/** The commands of the CLI's release 0.15.0, by the facts of the contract: what each sends and reads. */
export function release0150(host: string) {
  const terminal = openTerminal(host, 'python-requests/2.18.4');
  const { expect } = terminal;
  const app = (name: string, rest = ''): string => `/api/apps/${encodeURIComponent(name)}${rest}`;
  return {
    release: '0.15.0',
    terminal,
    signup: async (email: string, password: string): Promise<void> => {
      const checked = await terminal.send({
        method: 'GET',
        path: `/api/validate_email?email=${encodeURIComponent(email)}`,
      });
      if (checked.status !== 200) {
        const errors = checked.json.errors as string[];
        throw new CommandFailed(checked.status, errors.join('\n'));
      }
      await expect(200, { method: 'POST', path: '/api/free_users', json: { email, password } });
    },
    login: async (email: string, password: string): Promise<void> => {
      const path = '/api/login';
      const { key } = await expect(200, {
        method: 'GET',
        path,
        auth: [email, password],
        isUntyped: true,
      });
      terminal.netrc = [email, key];
    },
    resetApiKey: async (email: string, password: string): Promise<string> => {
      const sent = { method: 'POST', path: '/api/api_keys', isUntyped: true } as const;
      const { key } = await expect(201, { ...sent, auth: [email, password] });
      terminal.netrc = [email, key];
      return key;
    },
    account: async () => await expect(200, { method: 'GET', path: '/api/users', isUntyped: true }),
    upgrade: async (): Promise<void> =>
      await expect(200, { method: 'PUT', path: '/api/users/upgrade' }),
    setPaymentMethod: async (token: string): Promise<void> =>
      await expect(200, {
        method: 'PUT',
        path: '/api/payment_methods',
        json: { stripe_token: token },
      }),
    paymentMethod: async () => await paymentMethod(terminal),
    usage: async () => await expect(200, { method: 'GET', path: '/api/usage' }),
    invoices: async () => await expect(200, { method: 'GET', path: '/api/invoices' }),
    apps: async () => await apps(terminal),
    create: async (name?: string): Promise<string> => {
      const json = name === undefined ? {} : { unique_name: name.toLowerCase() };
      return (await expect(201, { method: 'POST', path: '/api/apps', json })).unique_name;
    },
    status: async (name: string) =>
      await expect(200, { method: 'GET', path: app(name, '/status') }),
    scale: async (name: string, json: object): Promise<void> =>
      await expect(200, { method: 'PUT', path: app(name, '/scale'), json }),
    restart: async (name: string): Promise<void> =>
      await expect(200, { method: 'PUT', path: app(name, '/restart') }),
    run: async (name: string): Promise<void> =>
      await expect(200, {
        method: 'POST',
        path: app(name, '/run'),
        json: { module: 'Elixir.Tasks', function: 'migrate' },
      }),
    migrate: async (name: string, inner?: string): Promise<string> => {
      const query = inner === undefined ? '' : `?migration_app_name=${encodeURIComponent(inner)}`;
      return await expect(200, { method: 'GET', path: app(name, `/migrate-command${query}`) });
    },
    databases: async (name: string) =>
      await expect(200, { method: 'GET', path: app(name, '/databases') }),
    createDatabase: async (name: string, size = 0.6): Promise<void> =>
      await expect(201, { method: 'POST', path: app(name, '/databases'), json: { size } }),
    scaleDatabase: async (name: string, id: string, size: number): Promise<void> =>
      await expect(200, {
        method: 'PUT',
        path: app(name, `/databases/${encodeURIComponent(id)}`),
        json: { size },
      }),
    deleteDatabase: async (name: string, id: string): Promise<void> =>
      await expect(200, {
        method: 'DELETE',
        path: app(name, `/databases/${encodeURIComponent(id)}`),
      }),
    permissions: async (name: string): Promise<string[]> =>
      await expect(200, { method: 'GET', path: app(name, '/permissions') }),
    addPermission: async (name: string, email: string): Promise<void> =>
      await expect(201, { method: 'POST', path: app(name, '/permissions'), json: { email } }),
    deletePermission: async (name: string, email: string): Promise<void> =>
      await expect(200, { method: 'DELETE', path: app(name, '/permissions'), json: { email } }),
    changePassword: async (email: string, password: string, next: string): Promise<void> =>
      await expect(200, {
        method: 'PATCH',
        path: '/api/users',
        auth: [email, password],
        json: { new_password: next },
      }),
    sendResetPasswordToken: async (email: string): Promise<void> => {
      const received = await terminal.send({
        method: 'PUT',
        path: '/api/users/reset_password',
        json: { email },
      });
      if (received.status === 200) return;
      const errors = received.json.errors as string[];
      throw new CommandFailed(received.status, errors.join('\n'));
    },
    setPassword: async (token: string, password: string): Promise<void> =>
      await expect(200, {
        method: 'POST',
        path: '/api/users/reset_password',
        json: { token, password },
      }),
    sendEmailConfirmationToken: async (email: string): Promise<void> =>
      await expect(200, { method: 'PUT', path: '/api/users/reconfirm_email', json: { email } }),
  };
}

export type Release0150 = ReturnType<typeof release0150>;

/** A 404 means that there is none: the CLI says so and exits with 0. */
export async function paymentMethod(terminal: Terminal) {
  const received = await terminal.send({ method: 'GET', path: '/api/payment_methods' });
  if (received.status === 404) return 'No payment method found.';
  if (received.status !== 200) throw new CommandFailed(received.status, received.text);
  return received.json.data;
}

/** The CLI crashes over a row that lacks one of these. */
export async function apps(terminal: Terminal) {
  const rows: object[] = await terminal.expect(200, { method: 'GET', path: '/api/apps' });
  return rows.map((row) => {
    for (const field of ['unique_name', 'size', 'replicas']) {
      if (!(field in row)) throw new Error(`KeyError: ${field}`);
    }
    const { unique_name: name, size, replicas } = row as Record<string, unknown>;
    return { name, size, replicas };
  });
}
