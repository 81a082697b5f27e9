/** Entry of the thread that reads documents, which may be stopped at any time. Started by DocumentReader only. */
import { parentPort } from 'node:worker_threads';
import { type DocumentText, readDocument } from './read-document.ts';
import { Unreadable, type UnreadableReason } from './unreadable.ts';
import { type RowsRequest, readWorkbookRows, type WorkbookRows } from './workbook-rows.ts';

export interface DocumentRequest {
  path: string;
  /** Asks for the rows of a workbook, not for its text. */
  rows?: RowsRequest;
}

export type DocumentAnswer =
  | { document: DocumentText }
  | { rows: WorkbookRows }
  | { unreadable: UnreadableReason; detail?: string }
  /** The system could not read the file. */
  | { failed: { message: string; code: string | undefined } };

parentPort!.on('message', async ({ path, rows }: DocumentRequest) => {
  parentPort!.postMessage(await answer(path, rows));
});

async function answer(path: string, rows: RowsRequest | undefined): Promise<DocumentAnswer> {
  try {
    if (rows !== undefined) return { rows: await readWorkbookRows(path, rows) };
    return { document: await readDocument(path) };
  } catch (error) {
    if (error instanceof Unreadable) return { unreadable: error.reason };
    const { message, syscall, code } = error as NodeJS.ErrnoException;
    if (syscall !== undefined) return { failed: { message, code } };
    // A file that a reader stumbles over must not end the build of ten thousand others: it is listed with what happened.
    return { unreadable: 'damaged-document', detail: message };
  }
}
