/** Where "now" comes from. Only main.ts hands out the wall clock; tests and the demo move their own. */
export type Clock = () => Date;
