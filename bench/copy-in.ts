import type pg from 'pg';

/** What pg's connections do beyond their types: the COPY protocol. */
type CopyConnection = {
  query(text: string): void;
  sendCopyFromChunk(chunk: Buffer): void;
  endCopyFrom(): void;
};

/** COPY … FROM STDIN, the fastest way into a table there is: the limit recording is compared with. */
export async function copyIn(client: pg.ClientBase, into: string, text: string): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    let failure: Error | undefined;
    const submitted = {
      submit: (connection: CopyConnection) => connection.query(`copy ${into} from stdin`),
      handleCopyInResponse: (connection: CopyConnection) => {
        connection.sendCopyFromChunk(Buffer.from(text));
        connection.endCopyFrom();
      },
      handleCommandComplete: () => {},
      handleError: (error: Error) => {
        failure = error;
        reject(error);
      },
      handleReadyForQuery: () => {
        if (failure === undefined) resolve();
      },
    };
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- its types know no COPY
    client.query(submitted as unknown as pg.Submittable);
  });
}
