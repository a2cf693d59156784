import type { DatabaseUsage, Usage } from './usage.ts';

/** What an account runs now; what is at 0 is left out. Jobs are over within minutes and do not count. */
export type Levels = {
  /** `levelTenths` is replicas × size in tenths. */
  readonly apps: readonly { readonly app: string; readonly levelTenths: bigint }[];
  readonly databases: readonly Pick<DatabaseUsage, 'app' | 'database' | 'sizeTenths'>[];
};

export const NO_LEVELS: Levels = { apps: [], databases: [] };

/** What the levels amount to when they stay so for some seconds. */
export function usageAtLevels(levels: Levels, seconds: bigint): Usage {
  return {
    apps: levels.apps.map(({ app, levelTenths }) => ({ app, rssTenths: levelTenths * seconds })),
    databases: levels.databases.map((database) => ({ ...database, seconds })),
  };
}
