import { readdirSync, readFileSync } from 'node:fs';
import { performance } from 'node:perf_hooks';
import { format } from './figures.ts';

/** What some work cost. CPU times repeat within about a tenth; wall time on a shared machine does not. */
export type Cost = {
  readonly wallUs: number;
  readonly serverCpuUs: number;
  readonly clientCpuUs: number;
};

/** The kernel counts CPU time of processes in hundredths of a second. */
const TICK_US = 10_000;

export async function measure(postmaster: number, work: () => Promise<unknown>): Promise<Cost> {
  const serverBefore = serverCpuUs(postmaster);
  const clientBefore = process.cpuUsage();
  const start = performance.now();
  await work();
  const wallUs = (performance.now() - start) * 1000;
  const client = process.cpuUsage(clientBefore);
  return {
    wallUs,
    serverCpuUs: serverCpuUs(postmaster) - serverBefore,
    clientCpuUs: client.user + client.system,
  };
}

export function sumOf(costs: readonly Cost[]): Cost {
  const add = (key: keyof Cost): number => costs.reduce((sum, cost) => sum + cost[key], 0);
  return {
    wallUs: add('wallUs'),
    serverCpuUs: add('serverCpuUs'),
    clientCpuUs: add('clientCpuUs'),
  };
}

export async function wallMs(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return performance.now() - start;
}

export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]!;
}

export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

/** Microseconds an event: wall time, and CPU time of server and client. */
export function perEvent(costs: readonly Cost[], events: number): string {
  const each = (key: keyof Cost): string => format(median(costs.map((cost) => cost[key])) / events);
  return `${each('wallUs')} µs [${each('serverCpuUs')} + ${each('clientCpuUs')} CPU]`;
}

/** Of the server and all its processes; 0 where the system has no /proc. */
function serverCpuUs(postmaster: number): number {
  const own = readStat(postmaster);
  if (own === undefined) return 0;
  let ticks = own.ticks + own.endedTicks;
  for (const name of readdirSync('/proc')) {
    const stat = /^\d+$/.test(name) ? readStat(Number(name)) : undefined;
    if (stat?.parent === postmaster) ticks += stat.ticks;
  }
  return ticks * TICK_US;
}

type Stat = { readonly parent: number; readonly ticks: number; readonly endedTicks: number };

function readStat(pid: number): Stat | undefined {
  let text: string;
  try {
    text = readFileSync(`/proc/${pid}/stat`, 'utf8');
  } catch {
    // The process ended between the listing and the look.
    return undefined;
  }
  // The command's name, in brackets, may hold spaces; what follows is state, parent, …
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const number = (index: number): number => Number(fields[index]);
  return { parent: number(1), ticks: number(11) + number(12), endedTicks: number(13) + number(14) };
}
