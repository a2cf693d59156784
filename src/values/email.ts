import { isIdentifier } from './identifier.ts';

export const EMAIL_RULE = 'an e-mail address';

/** What may be one: whether it is somebody's, only a mail sent there can tell. At most 200 characters. */
export function isEmailAddress(text: string): boolean {
  return isIdentifier(text) && /^[^\s@]+@[^\s@]+$/.test(text);
}
