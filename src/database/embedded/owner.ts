import { execFile, type SpawnOptions } from 'node:child_process';
import { chown, stat } from 'node:fs/promises';
import { promisify } from 'node:util';
import { Fault } from '../../values/fault.ts';

const run = promisify(execFile);

/** Runs PostgreSQL's programs as a user PostgreSQL accepts: it refuses to run as root. */
export type Owner = {
  /** Turns a program and its arguments into what to spawn so that it runs as this owner. */
  command(file: string, args: readonly string[]): Command;
  /** Makes a file or folder this owner's. */
  own(path: string): Promise<void>;
};

export type Command = {
  readonly file: string;
  readonly args: readonly string[];
  readonly options: SpawnOptions;
};

type Identity = { readonly uid: number; readonly gid: number };

/**
 * Decides as whom the database under `dataDir` runs. An existing cluster keeps its owner; else as
 * ourselves, or, when we are root, as the OS user `postgres` (made when missing), or, where that
 * user cannot reach the folders (a checkout in /root), as root disguised in a user namespace.
 *
 * @throws with what to do when none of these works.
 */
export async function chooseOwner(
  dataDir: string,
  cluster: string,
  program: string,
): Promise<Owner> {
  if (process.getuid?.() !== 0) return ourselves;
  const existing = await stat(cluster).catch(() => null);
  const user = existing ?? (await postgresUser());
  if (user && user.uid !== 0) {
    if (await canReach(user, dataDir, program)) return asUser(user);
    if (existing) throw unreachable(dataDir, program, `user id ${existing.uid}`);
  }
  return await disguised(program).catch(() => {
    throw unreachable(dataDir, program, 'the OS user postgres (if it could be made)');
  });
}

// Nothing of our environment is passed on: PGPORT, PGOPTIONS or LANG would change what is made.
const surroundings: SpawnOptions = {
  cwd: '/',
  env: { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C' },
};

const ourselves: Owner = {
  command: (file, args) => ({ file, args, options: surroundings }),
  own: async () => {},
};

function asUser({ uid, gid }: Identity): Owner {
  return {
    command: (file, args) => ({ file, args, options: { ...surroundings, uid, gid } }),
    own: async (path) => await chown(path, uid, gid),
  };
}

/** Root outside, an ordinary user inside: files stay root's, and PostgreSQL does not see root. */
async function disguised(program: string): Promise<Owner> {
  // The user must have a name (initdb looks it up); which one does not matter.
  const { uid, gid } = (await identityOf('postgres')) ?? { uid: 65534, gid: 65534 };
  const prefix = ['-U', `--map-user=${uid}`, `--map-group=${gid}`];
  await run('unshare', [...prefix, program, '--version']);
  return {
    command: (file, args) => ({
      file: 'unshare',
      args: [...prefix, file, ...args],
      options: surroundings,
    }),
    own: async () => {},
  };
}

async function postgresUser(): Promise<Identity | null> {
  const known = await identityOf('postgres');
  if (known) return known;
  const flags = ['--system', '--user-group', '--no-create-home', '--shell', '/usr/sbin/nologin'];
  // A failure shows in the second look: another process may have made the user meanwhile.
  await run('useradd', [...flags, 'postgres']).catch(() => null);
  return await identityOf('postgres');
}

async function identityOf(name: string): Promise<Identity | null> {
  try {
    const [uid, gid] = await Promise.all([run('id', ['-u', name]), run('id', ['-g', name])]);
    return { uid: Number(uid.stdout), gid: Number(gid.stdout) };
  } catch {
    return null;
  }
}

async function canReach({ uid, gid }: Identity, folder: string, program: string): Promise<boolean> {
  const script = 'test -x "$1" && test -x "$2"';
  return await run('/bin/sh', ['-c', script, 'sh', folder, program], { cwd: '/', uid, gid }).then(
    () => true,
    () => false,
  );
}

function unreachable(dataDir: string, program: string, who: string): Fault {
  return new Fault(
    'unavailable',
    'embedded_user',
    `PostgreSQL does not run as root, and ${who} cannot reach ${dataDir} or ${program}. ` +
      'Move the project out of the closed folder (or chmod o+x it), run as another user, ' +
      'or set DATABASE_URL to a PostgreSQL of your own.',
  );
}
