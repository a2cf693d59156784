import type { Figure } from './figures.ts';
import type { Servers } from './servers.ts';

export type Size = 'small' | 'default' | 'large';

export type Scenario = {
  /** The letter it is called by. */
  readonly name: string;
  readonly about: string;
  readonly run: (servers: Servers, size: Size) => Promise<readonly Figure[]>;
};
