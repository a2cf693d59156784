import swagger from '@fastify/swagger';
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
import { v1Routes, type V1Dependencies } from './v1/routes.ts';

/** Raised when /v1 changes; clients that ignore unknown fields keep working within 1.x. */
const API_VERSION = '1.0.0';

const DESCRIPTION = `Metering and billing for platforms-as-a-service.

**Keys.** Send \`Authorization: Bearer gm_…\`. Operators make keys with \`gigameter keys create --scope …\`;
the scopes are \`ingest\`, \`read\`, \`billing\` and \`admin\`. An account's own key reads that account only.
**Errors** are problem details (RFC 9457) with a stable \`code\`.
**Numbers.** Money is whole US cents; all other totals are exact decimal strings.
**Repeating.** Every request may be repeated: events, credits and refunds carry their own ids.`;

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
    transform: jsonSchemaTransform,
    transformObject: (document) => nameComponents(jsonSchemaTransformObject(document)),
  });
  await server.register(swaggerUi, {
    routePrefix: '/docs',
    uiConfig: { deepLinking: true, persistAuthorization: false },
  });
  server.get('/v1/openapi.json', { schema: { hide: true } }, () => server.swagger());
}

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
