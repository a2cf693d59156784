import { printJson, type Output } from './output.ts';

/** `gigameter openapi`: the OpenAPI 3.1 document of /v1, as it is served at /v1/openapi.json. */
export async function openapiCommand(context: {
  readonly output: Output;
  readonly describeApi: () => Promise<unknown>;
}): Promise<number> {
  printJson(context.output, await context.describeApi());
  return 0;
}
