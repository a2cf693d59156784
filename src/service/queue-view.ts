import { createBullBoard } from '@bull-board/api';
import { BullMQAdapter } from '@bull-board/api/bullMQAdapter';
import { FastifyAdapter } from '@bull-board/fastify';
import type { Queue } from 'bullmq';
import type { QueueView } from '../pages/dependencies.ts';

/** What pages see of the queues of this process. */
export function viewOf(queues: readonly Queue[]): QueueView {
  return {
    states: async () =>
      await Promise.all(
        queues.map(async (queue) => ({
          name: queue.name,
          counts: await queue.getJobCounts('waiting', 'active', 'delayed', 'failed'),
        })),
      ),
    board: (basePath) => {
      const adapter = new FastifyAdapter().setBasePath(basePath);
      createBullBoard({
        queues: queues.map((queue) => new BullMQAdapter(queue)),
        serverAdapter: adapter,
        options: {
          uiConfig: {
            boardTitle: 'gigameter queues',
            hideDocsLink: true,
            miscLinks: [{ text: 'Back to gigameter', url: '/operator' }],
          },
        },
      });
      return async (server) => await server.register(adapter.registerPlugin());
    },
  };
}
