import { apps, paymentMethod } from './release-0.15.0.ts';
import { CommandFailed, openTerminal } from './terminal.ts';

/** The commands of the CLI's release 1.16.1, by the facts of the contract: what each sends and reads. */
export function release1161(host: string) {
  const terminal = openTerminal(host, 'GigalixirCLI/1.16.1');
  const { expect } = terminal;
  const app = (name: string, rest = ''): string => `/api/apps/${encodeURIComponent(name)}${rest}`;
  const step = async (json: object) =>
    await expect(200, { method: 'POST', path: '/api/signup', json });
  return {
    release: '1.16.1',
    terminal,
    step,
    /** `readCode` looks into the mailbox. */
    signup: async (
      email: string,
      password: string,
      readCode: () => Promise<string>,
      card?: string,
    ): Promise<void> => {
      const { uuid } = await step({ email });
      await step({ confirmation_code: await readCode(), uuid });
      await step({ password, uuid });
      if (card !== undefined) await step({ stripe_token: card, uuid });
      const tier = card === undefined ? 'FREE' : 'STANDARD';
      const { email: login, key } = await step({ tier, uuid });
      terminal.netrc = [login, key];
    },
    login: async (email: string, password: string): Promise<void> => {
      const auth = [encodeURIComponent(email), encodeURIComponent(password)] as const;
      const { key } = await expect(200, { method: 'GET', path: '/api/login', auth });
      terminal.netrc = [email, key];
    },
    resetApiKey: async (password: string): Promise<string> => {
      const query = new URLSearchParams({ current_password: password }).toString();
      const path = `/api/api_keys/regenerate?${query}`;
      const { key } = await expect(201, { method: 'POST', path });
      terminal.netrc = [terminal.netrc![0], key];
      return key;
    },
    account: async () => await expect(200, { method: 'GET', path: '/api/users' }),
    upgrade: async (token: string, promo?: string): Promise<void> =>
      await expect(200, {
        method: 'POST',
        path: '/api/upgrade',
        json: { stripe_token: token, ...(promo === undefined ? {} : { promo_code: promo }) },
      }),
    setPaymentMethod: async (token: string): Promise<void> =>
      await expect(200, {
        method: 'PUT',
        path: '/api/payment_methods',
        json: { stripe_token: token },
      }),
    paymentMethod: async () => await paymentMethod(terminal),
    usage: async () => await expect(200, { method: 'GET', path: '/api/usage' }),
    runRate: async () => await expect(200, { method: 'GET', path: '/api/usage/run_rate' }),
    invoices: async () => await expect(200, { method: 'GET', path: '/api/invoices' }),
    apps: async () => await apps(terminal),
    create: async (name?: string, placement: object = {}): Promise<string> => {
      const json = name === undefined ? placement : { unique_name: name, ...placement };
      return (await expect(201, { method: 'POST', path: '/api/apps', json })).unique_name;
    },
    info: async (name: string) => await expect(200, { method: 'GET', path: app(name) }),
    destroy: async (name: string) => await expect(200, { method: 'DELETE', path: app(name) }),
    status: async (name: string) =>
      await expect(200, { method: 'GET', path: app(name, '/status') }),
    scale: async (name: string, json: object): Promise<void> => {
      const data = await expect(200, { method: 'PUT', path: app(name, '/scale'), json });
      if (data === undefined) throw new Error('KeyError: data');
      return data;
    },
    restart: async (name: string): Promise<void> =>
      await expect(200, { method: 'PUT', path: app(name, '/restart') }),
    run: async (name: string): Promise<void> =>
      await expect(200, {
        method: 'POST',
        path: app(name, '/run'),
        json: { command: ['mix', 'run'] },
      }),
    databases: async (name: string) =>
      await expect(200, { method: 'GET', path: app(name, '/databases') }),
    createDatabase: async (name: string, size = 0.6): Promise<void> =>
      await expect(201, {
        method: 'POST',
        path: app(name, '/databases'),
        json: { size, cloud: 'gcp', region: 'v2018-us-central1' },
      }),
    createFreeDatabase: async (name: string) =>
      await expect(201, { method: 'POST', path: app(name, '/free_databases'), json: {} }),
    scaleDatabase: async (
      name: string,
      id: string,
      size: number | null,
      highAvailability?: string,
    ): Promise<void> =>
      await expect(200, {
        method: 'PUT',
        path: app(name, `/databases/${encodeURIComponent(id)}`),
        json: {
          ...(highAvailability === undefined ? {} : { high_availability: highAvailability }),
          size,
        },
      }),
    deleteDatabase: async (name: string, id: string): Promise<void> =>
      await expect(200, {
        method: 'DELETE',
        path: app(name, `/databases/${encodeURIComponent(id)}`),
      }),
    permissions: async (name: string): Promise<string[]> =>
      await expect(200, { method: 'GET', path: app(name, '/permissions') }),
    addPermission: async (name: string, email: string, role: string | null = null): Promise<void> =>
      await expect(201, {
        method: 'POST',
        path: app(name, '/permissions'),
        json: { email, role },
      }),
    deletePermission: async (name: string, email: string): Promise<void> =>
      await expect(200, { method: 'DELETE', path: app(name, '/permissions'), json: { email } }),
    changePassword: async (password: string, next: string): Promise<void> =>
      await expect(200, {
        method: 'PATCH',
        path: '/api/users/change_password',
        json: { current_password: password, new_password: next },
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
    destroyAccount: async (email: string, password: string): Promise<void> =>
      await expect(200, {
        method: 'DELETE',
        path: '/api/users/destroy',
        json: { email, current_password: password },
      }),
  };
}

export type Release1161 = ReturnType<typeof release1161>;
