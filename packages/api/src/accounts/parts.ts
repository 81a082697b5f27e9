/** What everything about accounts works with. */

import type { Database } from '../storage/database.ts';
import type { Recorder } from './audit-trail.ts';
import type { Passwords } from './passwords.ts';
import type { ServerSecret } from './server-secret.ts';

export interface AccountParts extends Recorder {
  readonly database: Database;
  readonly secret: ServerSecret;
  readonly passwords: Passwords;
}
