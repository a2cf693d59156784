import type { Tier } from '../accounts/account.ts';

/** What an account has or wants to run: all that limits are decided by. */
export type Holdings = {
  readonly tier: Tier;
  /** The owner's e-mail address is confirmed (R24). */
  readonly isConfirmed: boolean;
  readonly apps: readonly HeldApp[];
  /** Those being made count like those that are there. */
  readonly databases: readonly HeldDatabase[];
};

export type HeldApp = {
  readonly app: string;
  readonly replicas: number;
  readonly sizeTenths: number;
};

export type HeldDatabase = {
  readonly database: string;
  readonly app: string;
  readonly sizeTenths: number;
};

/** A change somebody wants to make to what an account runs; always complete (R9). */
export type Change =
  | { readonly kind: 'create_app' }
  | ({ readonly kind: 'scale_app' } & HeldApp)
  | { readonly kind: 'create_database'; readonly app: string; readonly sizeTenths: number }
  | { readonly kind: 'resize_database'; readonly database: string; readonly sizeTenths: number };

export function totalReplicas(apps: readonly HeldApp[]): number {
  return apps.reduce((total, { replicas }) => total + replicas, 0);
}
