import type { VNode } from 'preact';
import { formatCents } from '../../../values/money.ts';
import { Page } from '../../html/page.tsx';
import { Name } from '../../html/text.tsx';
import { operatorAccountPath } from '../../paths.ts';
import type { Viewer } from '../../session/guard.ts';
import { DOLLARS, type Action, type ActionKind } from './actions.ts';

/** What an action is called, and what it does, for the page that asks once more. */
const ABOUT: Readonly<Record<ActionKind, readonly [title: string, effect: string]>> = {
  credit: ['Give credit', 'The next invoices use it up first. It cannot be taken back.'],
  refund: [
    'Give money back',
    'Payments are refunded at Stripe; what is not invoiced yet is given as credit. Within 31 days of the first upgrade, $75 per account at most.',
  ],
  collect: [
    'Try the payment again',
    'All open invoices of the account are charged to its card now, whatever the schedule says.',
  ],
  upgrade: [
    'Upgrade to the standard tier',
    'What runs is charged from this second on. There is no way back.',
  ],
  supersede: [
    'Supersede an event',
    'The event stays recorded and counts no more; what is entered counts instead. Invoices that were made are corrected by a line on the next one.',
  ],
  retry_parked: ['Report a parked event again', 'It is recorded if what it waited for is there.'],
  retry_quarantined: [
    'Report a refused event again',
    'It is recorded if the rules allow it by now; else it stays refused.',
  ],
};

const TITLES: ReadonlyMap<string, string> = new Map(
  Object.entries(ABOUT).map(([kind, [title]]) => [kind, title]),
);

/** What an action that was written down is called. */
export function titleOf(kind: string): string {
  return TITLES.get(kind) ?? kind;
}

/** The form that leads to the page that asks once more; it changes nothing itself. */
export function ActionForm({
  kind,
  values,
  fields = [],
}: {
  readonly kind: ActionKind;
  /** Known already. */
  readonly values: Readonly<Record<string, string>>;
  readonly fields?: readonly Field[];
}): VNode {
  // In a row of a table there is room for one word.
  const isRetry = kind === 'retry_parked' || kind === 'retry_quarantined';
  return (
    <form method="get" action="/operator/confirm" class={isRetry ? 'inline' : 'stack'}>
      <Hidden values={{ kind, ...values }} />
      <div class={fields.length > 2 ? 'fields' : 'stack'}>
        {fields.map(({ name, label, value, isOptional, hint }) => (
          <label key={name}>
            {label}
            <input
              name={name}
              value={value}
              required={!isOptional}
              placeholder={hint}
              pattern={name === 'amount' ? DOLLARS.source : undefined}
              title={name === 'amount' ? 'dollars such as 12 or 12.50' : undefined}
              inputmode={name === 'amount' ? 'decimal' : undefined}
            />
          </label>
        ))}
      </div>
      <button class={isRetry ? 'quiet' : undefined}>
        {isRetry ? 'Retry' : titleOf(kind)}&nbsp;…
      </button>
    </form>
  );
}

type Field = {
  readonly name: string;
  readonly label: string;
  readonly value?: string | undefined;
  readonly isOptional?: true;
  readonly hint?: string;
};

/** Asks once more, with all that will be done. */
export function ConfirmPage({
  action,
  form,
  actionId,
  viewer,
}: {
  readonly action: Action;
  readonly form: Readonly<Record<string, string>>;
  readonly actionId: string;
  readonly viewer: Viewer;
}): VNode {
  const [title, effect] = ABOUT[action.kind];
  const { kind: _, digest: __, ...shown } = form;
  return (
    <Page title={title} viewer={viewer}>
      <div class="narrow">
        <h1>{title}?</h1>
        <dl class="facts">
          {Object.entries(shown)
            .filter(([, value]) => value !== '')
            .flatMap(([key, value]) => [
              <dt key={key}>{key}</dt>,
              <dd key={`${key}-value`}>
                <Name>
                  {key === 'amount' && 'amount' in action ? formatCents(action.amount) : value}
                </Name>
              </dd>,
            ])}
        </dl>
        <p>{effect}</p>
        <p class="note">
          It is written down as done by <Name>{viewer.actor}</Name>.
        </p>
        <form method="post" action="/operator/actions" class="row">
          <Hidden values={{ ...form, action_id: actionId, csrf: viewer.csrfToken }} />
          <button>{title}</button>
          <a href={wayBack(action)}>Leave it</a>
        </form>
      </div>
    </Page>
  );
}

function wayBack({ kind, account }: Action): string {
  if (kind === 'retry_parked' || kind === 'retry_quarantined') return '/operator/events';
  return account === '' ? '/operator' : operatorAccountPath(account);
}

function Hidden({ values }: { readonly values: Readonly<Record<string, string>> }): VNode {
  return (
    <>
      {Object.entries(values).map(([name, value]) => (
        <input key={name} type="hidden" name={name} value={value} />
      ))}
    </>
  );
}
