// Takes a job of the queue given, says so, and never finishes it.
import { connectQueues, type QueueTarget } from '../../../src/queue/backend.ts';

const [target, queue] = process.argv.slice(2);
if (!target || !queue) throw new Error('usage: stuck-worker.ts TARGET_JSON QUEUE');

const backend = await connectQueues(JSON.parse(target) as QueueTarget, console.error);
const take = async (job: { id?: string | undefined }): Promise<void> => {
  console.log(JSON.stringify(job.id));
  await new Promise<never>(() => {});
};
backend.makeWorker(queue, take, { lockDuration: 1_000, stalledInterval: 500 });
