#!/usr/bin/env node
import { once } from 'node:events';
import { pino, type Logger } from 'pino';
import type { CommandContext } from './cli/context.ts';
import { exitCodeOf } from './cli/exit-code.ts';
import { terminal, watchWriting } from './cli/output.ts';
import { runCommand } from './cli/program.ts';
import { readConfig, type Config } from './config.ts';
import type { Clock } from './values/clock.ts';

const wallClock: Clock = () => new Date();

const written = watchWriting();
process.exit(await written(await main(process.argv.slice(2))));

async function main(args: readonly string[]): Promise<number> {
  try {
    const config = readConfig();
    return await runCommand(commandContext(config), args);
  } catch (error) {
    terminal.note(error instanceof Error ? `error: ${error.message}` : String(error));
    return exitCodeOf(error);
  }
}

/** What only some commands need is loaded by them: an estimate should not wait for queues and Stripe. */
function commandContext(config: Config): CommandContext {
  // Commands print what they did; only what went wrong belongs beside it.
  const quiet = makeLog('warn');
  return {
    clock: wallClock,
    output: terminal,
    maxReplicas: config.maxReplicas,
    open: async () => {
      const { openServices } = await import('./service/open-services.ts');
      return await openServices(config, wallClock, quiet);
    },
    migrate: async (options) => {
      const { openDatabase } = await import('./service/open-database.ts');
      const { distribute } = await import('./database/distribution/distribute.ts');
      const { pool, migrated, stop } = await openDatabase(config, quiet, 'gigameter migrate');
      try {
        if (!options.distribute) return { applied: migrated };
        return { applied: migrated, distributed: await distribute(pool) };
      } finally {
        await stop();
      }
    },
    describeApi: async () => {
      const { describeApi } = await import('./service/describe-api.ts');
      return await describeApi();
    },
    start: async () => await serve(config),
    demo: async (options) => {
      const { runDemo } = await import('./demo/run-demo.ts');
      return await runDemo(config, wallClock, makeLog('error'), options, stopSignal());
    },
  };
}

async function serve(config: Config): Promise<number> {
  const log = makeLog(config.logLevel);
  const stopped = stopSignal();
  const { startService } = await import('./service/start-service.ts');
  const service = await startService(config, wallClock, log);
  await service.startSchedules();
  log.info({ url: service.url }, 'gigameter is serving; Ctrl-C stops it');
  log.info(`stopping: ${await stopped}`);
  const seconds = config.shutdownSeconds;
  setTimeout(() => {
    log.error(`not stopped within ${seconds} s; what was under way is taken up again`);
    process.exit(1);
  }, seconds * 1000).unref();
  await service.stop();
  return 0;
}

/** Resolves at the first request to stop; a second one ends the process at once. */
async function stopSignal(): Promise<string> {
  const signal = await Promise.race(
    (['SIGINT', 'SIGTERM'] as const).map(async (name) => {
      await once(process, name);
      return name;
    }),
  );
  for (const name of ['SIGINT', 'SIGTERM']) process.once(name, () => process.exit(130));
  return signal;
}

/** JSON lines on stderr, readable lines on a terminal. Secrets never reach it; these are the last guard. */
function makeLog(level: string): Logger {
  const options = {
    level,
    redact: ['*.apiKey', '*.secret', '*.authorization', 'req.headers.authorization'],
  };
  if (!process.stderr.isTTY) return pino(options, pino.destination(2));
  return pino({
    ...options,
    transport: { target: 'pino-pretty', options: { destination: 2, ignore: 'pid,hostname' } },
  });
}
