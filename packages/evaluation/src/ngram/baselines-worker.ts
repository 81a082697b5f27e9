/** Entry of the worker thread of baselines.ts: computes the scores, sends them, ends. */

import { parentPort, workerData } from 'node:worker_threads';
import { type BaselineWork, scoreText } from './baselines.ts';

if (parentPort === null) throw new Error('baselines-worker is started by scoreBaselinesInWorker only');
parentPort.postMessage(scoreText(workerData as BaselineWork));
