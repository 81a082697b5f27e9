/** What accounts, keys and applications look like in answers. */
import type { AccountBody, ApiKeyBody, AuditEventBody, SessionBody } from '@tunan/protocol';
import type { Application } from '../../accounts/applications.ts';
import type { AuditEvent } from '../../accounts/audit-trail.ts';
import type { ApiKey, MadeKey } from '../../accounts/keys.ts';
import type { Account, Organisation } from '../../accounts/people.ts';
import type { Session } from '../../accounts/sessions.ts';

/** Unix time. */
const seconds = (milliseconds: number): number => Math.floor(milliseconds / 1000);
export const secondsOrNull = (milliseconds: number | undefined): number | null =>
  milliseconds === undefined ? null : seconds(milliseconds);

export const listOf = <Body>(data: Body[]) => ({ object: 'list' as const, data });

export function applicationBody(application: Application) {
  const { id, status, organisation, kind, purpose, name, email } = application;
  return {
    ...{ id, status, organisation, kind, purpose, name, email },
    phone: application.phone ?? null,
    created_at: seconds(application.createdAt),
    reviewed_at: secondsOrNull(application.reviewedAt),
    reason: application.reason ?? null,
    account_id: application.accountId ?? null,
  };
}

export function accountBody(account: Account): AccountBody {
  const { id, organisation, email, name, role, owner } = account;
  return {
    ...{ id, organisation, email, name, role, owner },
    organisation_id: account.organisationId,
    phone: account.phone ?? null,
    second_factor: account.secondFactor,
    created_at: seconds(account.createdAt),
    suspended_at: secondsOrNull(account.suspendedAt),
    organisation_suspended_at: secondsOrNull(account.organisationSuspendedAt),
  };
}

export const organisationBody = ({ id, name, kind, createdAt, suspendedAt }: Organisation) => ({
  ...{ id, name, kind },
  created_at: seconds(createdAt),
  suspended_at: secondsOrNull(suspendedAt),
});

export const sessionBody = ({ account, csrf, expiresAt }: Session): SessionBody => ({
  account: accountBody(account),
  csrf_token: csrf,
  expires_at: seconds(expiresAt),
});

export function keyBody(key: ApiKey): ApiKeyBody {
  const { id, name, prefix } = key;
  return {
    ...{ id, name, prefix },
    account_id: key.accountId,
    models: key.models === undefined ? null : [...key.models],
    routes: key.routes === undefined ? null : [...key.routes],
    created_at: seconds(key.createdAt),
    expires_at: secondsOrNull(key.expiresAt),
    revoked_at: secondsOrNull(key.revokedAt),
  };
}

export const madeKeyBody = ({ key, text }: MadeKey) => ({ key: text, details: keyBody(key) });

export const auditEventBody = ({ id, at, actor, action, target, details }: AuditEvent): AuditEventBody => ({
  ...{ id, created_at: seconds(at), action },
  actor: { kind: actor.kind, id: actor.id ?? null, name: actor.name ?? null },
  target: { kind: target.kind, id: target.id, name: target.name ?? null },
  details: { ...details },
});
