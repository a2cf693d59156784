import { afterAll, expect } from 'vitest';
import { analyse } from './analyse.ts';
import { isKnown } from './exceptions.ts';
import { keepSentStatements } from './sent-statements.ts';

/**
 * For every file of database tests: what src/ sent to PostgreSQL meanwhile is account-first, or known not to be
 * (D10). So each statement that any test makes the program send is held, and no other one needs to be listed.
 */
const sent = keepSentStatements();

afterAll(() => {
  const offending = [...sent.values()].flatMap(({ sender, text }) =>
    analyse(text)
      .filter((finding) => !isKnown(sender, finding))
      .map((finding) => ({ sender, finding, text })),
  );
  expect(offending, 'statements that are not account-first').toEqual([]);
});
