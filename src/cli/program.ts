import { Command, CommanderError } from 'commander';
import { Fault } from '../values/fault.ts';
import { addArchiveCommands } from './archive.ts';
import { closeCommand } from './close.ts';
import type { CommandContext, DemoOptions, MigrateOptions, Services } from './context.ts';
import { estimateCommand, type EstimateOptions } from './bills/estimate.ts';
import { EXIT_INVALID, exitCodeOf } from './exit-code.ts';
import { invoicesCommand } from './bills/invoices.ts';
import { addKeysCommands } from './keys.ts';
import { openapiCommand } from './openapi.ts';
import { printJson } from './output.ts';
import { addPriceBookCommands } from './prices/price-book.ts';
import { addPricesCommand } from './prices/prices.ts';
import { addProofCommands } from './proof.ts';
import { addReconcileCommands } from './reconcile.ts';
import { replayCommand } from './events/replay.ts';
import { addSignInCommand } from './sign-in.ts';
import { addSnapshotCommand } from './events/snapshot.ts';
import { addSourcesCommands } from './events/sources.ts';
import { usageCommand } from './bills/usage.ts';
import { whatIfCommand, type WhatIfOptions } from './prices/what-if.ts';

type JsonOption = { readonly json?: true };

/** Runs the command line given and answers its exit code: 0, or what exit-code.ts says. */
export async function runCommand(
  context: CommandContext,
  args: readonly string[],
): Promise<number> {
  let exitCode = 0;
  const program = makeProgram(context, (code) => (exitCode = code));
  try {
    await program.parseAsync(args, { from: 'user' });
    return exitCode;
  } catch (error) {
    // Commander has said what was wrong with the arguments.
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : EXIT_INVALID;
    context.output.note(messageOf(error));
    return exitCodeOf(error);
  }
}

function makeProgram(context: CommandContext, done: (exitCode: number) => void): Command {
  const { clock, output, maxReplicas } = context;
  const withServices = async (work: (services: Services) => Promise<number>): Promise<void> => {
    const services = await context.open();
    try {
      done(await work(services));
    } finally {
      await services.stop();
    }
  };
  const program = new Command('gigameter')
    .description('Exact usage metering and billing for platforms-as-a-service')
    .exitOverride()
    .configureOutput({
      writeOut: (text) => output.data(text.trimEnd()),
      writeErr: (text) => output.note(text.trimEnd()),
    });

  program
    .command('start')
    .description('run the service: queue workers, schedules and HTTP')
    .action(async () => done(await context.start()));
  program
    .command('migrate')
    .description('bring the database schema up to date; safe to repeat')
    .option('--distribute', 'spread the tables over the nodes of Citus, while no service runs')
    .option('--json', 'print JSON')
    .action(async (options: JsonOption & MigrateOptions) => {
      const { applied, distributed } = await context.migrate(options);
      if (options.json) return printJson(output, { applied, distributed });
      output.data(
        applied.length === 0 ? 'The schema is up to date.' : `Applied ${applied.join(', ')}.`,
      );
      if (distributed === undefined) return;
      output.data(
        distributed.length === 0
          ? 'All tables of accounts are distributed.'
          : `Distributed ${distributed.join(', ')}.`,
      );
    });
  program
    .command('usage <account>')
    .description('what the running period has come to so far')
    .option('--json', 'print JSON')
    .action(async (account: string, options: JsonOption) =>
      withServices(({ db }) => usageCommand({ db, output, now: clock() }, account, options)),
    );
  program
    .command('invoices <account>')
    .description('all invoices with their lines, oldest first')
    .option('--json', 'print JSON')
    .action(async (account: string, options: JsonOption) =>
      withServices(({ db }) => invoicesCommand({ db, output }, account, options)),
    );
  program
    .command('close')
    .description('close every period that has ended and take its invoice to Stripe')
    .option('--until <instant>', 'as if it were this instant')
    .option('--json', 'print JSON')
    .action(async (options: JsonOption & { readonly until?: string }) =>
      withServices(({ closeAndIssue }) =>
        closeCommand({ closeAndIssue, output, now: clock() }, options),
      ),
    );
  program
    .command('replay <file>')
    .description('record a file of one JSON event per line ("-": standard input)')
    .option('--json', 'print JSON')
    .action(async (file: string, options: JsonOption) =>
      withServices(({ record }) => replayCommand({ record, clock, output }, file, options)),
    );
  program
    .command('estimate <file>')
    .description('price a file of one JSON event per line, without database or queue')
    .option('--until <instant>', 'count up to this instant (default: now)')
    .option('--price-book <file>', "prices to use instead of the documentation's")
    .option('--json', 'print JSON')
    .action(async (file: string, options: EstimateOptions) =>
      done(await estimateCommand({ output, now: clock(), maxReplicas }, file, options)),
    );
  program
    .command('openapi')
    .description('the OpenAPI 3.1 document of /v1')
    .action(async () => done(await openapiCommand(context)));
  addPriceBookCommands(program, withServices, context);
  addPricesCommand(program, withServices, context);
  program
    .command('what-if')
    .description('what all accounts would have paid by another price book; changes nothing')
    .requiredOption('--price-book <file>', 'the other book')
    .option('--from <instant>', 'price what was used from then on (default: all)')
    .option('--to <instant>', 'and until then (default: now)')
    .option('--json', 'print JSON')
    .action(async (options: WhatIfOptions) =>
      withServices(({ db }) => whatIfCommand({ db, output, now: clock() }, options)),
    );
  addSnapshotCommand(program, withServices, context);
  addSourcesCommands(program, withServices, context);
  addKeysCommands(program, withServices, context);
  addSignInCommand(program, withServices, context);
  addProofCommands(program, withServices, context);
  addArchiveCommands(program, withServices, context);
  addReconcileCommands(program, withServices, context);
  program
    .command('demo')
    .description('meter, close and collect a small sample platform, then keep serving')
    .option('--exit', 'end when all is shown')
    .option('--json', 'print the data as JSON')
    .action(async (options: DemoOptions) => done(await context.demo(options)));
  return program;
}

function messageOf(error: unknown): string {
  if (error instanceof Fault) return `error: ${error.message}`;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
