import { Fault } from '../values/fault.ts';
import { INSTANT_RULE, parseInstant, toSecond, type Second } from '../values/instant.ts';

/** Reads an instant given on the command line; without one, `now`. */
export function instantOption(name: string, value: string | undefined, now: Date): Second {
  if (value === undefined) return toSecond(now);
  const instant = parseInstant(value);
  if (instant === undefined) {
    throw new Fault(
      'invalid',
      'invalid_option',
      `${name} is ${JSON.stringify(value)}; it must be ${INSTANT_RULE}`,
    );
  }
  return instant.second;
}
