import swagger, { type SwaggerOptions } from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import Fastify, { type FastifyInstance } from 'fastify';
import {
  jsonSchemaTransform,
  jsonSchemaTransformObject,
  serializerCompiler,
  validatorCompiler,
} from 'fastify-type-provider-zod';
import { nameComponents } from './component-names.ts';
import { addRateLimits } from './rate-limits.ts';
import { codesTable } from './v1/codes.ts';
import { v1Routes, type V1Dependencies } from './v1/routes.ts';

type Transform = NonNullable<Extract<SwaggerOptions, { transform?: unknown }>['transform']>;

/** Raised when /v1 changes; clients that ignore unknown fields keep working within 1.x. */
const API_VERSION = '1.0.0';

const DESCRIPTION = `Metering and billing for platforms-as-a-service.

- **Keys.** Send \`Authorization: Bearer gm_…\`. Operators make keys with \`gigameter keys create --scope …\`;
  the scopes are \`ingest\`, \`read\`, \`billing\` and \`admin\`. An account's own key reads that account only.
- **Errors** are problem details (RFC 9457) with a stable \`code\`.
- **Numbers.** Money is whole US cents; all other totals are exact decimal strings.
- **Repeating.** Every request may be repeated: events, credits and refunds carry their own ids.
- **Paging.** Lists answer \`next\`; send it as \`after\` for the following page, until it is null.
- **Rates.** An answer of 429 or 503 says in \`Retry-After\` after how many seconds to send the same again.

<details>
<summary>All codes</summary>

${codesTable()}

</details>`;

/** Describes all routes with tags that are registered after it. */
export async function describeRoutes(server: FastifyInstance): Promise<void> {
  await server.register(swagger, {
    hideUntagged: true,
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'gigameter',
        version: API_VERSION,
        description: DESCRIPTION,
        license: { name: 'MIT', identifier: 'MIT' },
      },
      servers: [{ url: '/' }],
      components: { securitySchemes: { bearer: { type: 'http', scheme: 'bearer' } } },
    },
    transform: describeScope,
    transformObject: (document) => nameComponents(jsonSchemaTransformObject(document)),
  });
  await server.register(swaggerUi, {
    routePrefix: '/docs',
    uiConfig: { deepLinking: true, persistAuthorization: false },
  });
  server.get('/v1/openapi.json', { schema: { hide: true } }, () => server.swagger());
}

/** Says what a key must be allowed to do, for programs and for people. */
const describeScope: Transform = (document) => {
  const { schema, url } = jsonSchemaTransform(document);
  const { scope } = document.route.config ?? {};
  if (scope === undefined) return { schema, url };
  const { description = '' } = document.schema;
  const needs = `Needs a key with the scope \`${scope}\`.`;
  const security = [{ bearer: [scope] }];
  return { schema: { ...schema, security, description: `${needs} ${description}`.trim() }, url };
};

/** The same OpenAPI 3.1 document, without serving anything: the dependencies are not used. */
export async function apiDocument(dependencies: V1Dependencies): Promise<unknown> {
  const server = Fastify();
  server.setValidatorCompiler(validatorCompiler);
  server.setSerializerCompiler(serializerCompiler);
  await addRateLimits(server, undefined);
  await describeRoutes(server);
  await server.register(v1Routes(dependencies), { prefix: '/v1' });
  await server.ready();
  const document = server.swagger();
  await server.close();
  return document;
}
