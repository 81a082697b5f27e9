/** The nine tasks of ZeroCLUE and FewCLUE, in the order of the published tables. */

import { bustm } from './bustm.ts';
import { chid } from './chid.ts';
import { cluewsc } from './cluewsc.ts';
import { csl } from './csl.ts';
import { csldcp } from './csldcp.ts';
import { eprstmt } from './eprstmt.ts';
import { iflytek } from './iflytek.ts';
import { ocnli } from './ocnli.ts';
import type { Task } from './task.ts';
import { tnews } from './tnews.ts';

export const clueTasks: readonly Task[] = [eprstmt, bustm, ocnli, csldcp, tnews, cluewsc, iflytek, csl, chid];
