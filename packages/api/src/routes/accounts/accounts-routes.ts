/** All routes below `/accounts`; there are none where accounts are off. */
import type { Accounts } from '../../accounts/accounts.ts';
import type { ZodFastify } from '../../context.ts';
import { addApplicationsRoutes } from './applications-routes.ts';
import { addAuditRoute } from './audit-route.ts';
import { addKeysRoutes } from './keys-routes.ts';
import { addLimitsRoutes } from './limits-routes.ts';
import { addMembersRoutes } from './members-routes.ts';
import { addSessionRoutes } from './session-routes.ts';
import { addUsageRoutes } from './usage-routes.ts';

export function addAccountsRoutes(app: ZodFastify, accounts: Accounts): void {
  addApplicationsRoutes(app, accounts);
  addSessionRoutes(app, accounts);
  addKeysRoutes(app, accounts);
  addMembersRoutes(app, accounts);
  addLimitsRoutes(app, accounts);
  addUsageRoutes(app, accounts);
  addAuditRoute(app, accounts);
}
