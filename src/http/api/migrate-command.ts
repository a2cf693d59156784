import { Fault } from '../../values/fault.ts';

/**
 * The Elixir expression that runs an app's migrations inside one of its running containers, which is free
 * (R15). Hyphens of app names are underscores in Elixir.
 *
 * @throws Fault `migration_app_unfit`: whatever else a name holds would become a part of the expression.
 */
export function migrateCommand(appName: string): string {
  const otp = appName.replaceAll('-', '_');
  if (!/^[a-z][a-z0-9_]*$/.test(otp)) {
    const message = 'migration_app_name must be the name of an Elixir application, such as my_app';
    throw new Fault('invalid', 'migration_app_unfit', message);
  }
  return (
    `Application.load(:${otp}); ` +
    `for repo <- Application.fetch_env!(:${otp}, :ecto_repos), ` +
    `do: Ecto.Migrator.run(repo, Application.app_dir(:${otp}, "priv/repo/migrations"), :up, all: true)`
  );
}
