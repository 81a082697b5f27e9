/** An organisation `org` with an account `acc` and keys `k1`, `k2`, for tests of the ledger. The names are such as reports must quote. */
import type { Database } from '../storage/database.ts';

export async function addPeople(database: Database): Promise<void> {
  await database.write(async (queries) => {
    await queries.run(
      "INSERT INTO organisations (id, name, kind, created_at) VALUES ('org', '=图南,大学', 'academic', 0)",
    );
    await queries.run(
      `INSERT INTO accounts (id, organisation_id, email, name, role, owner, password, totp_step, failures, locked_until, created_at)
        VALUES ('acc', 'org', 'a@b', 'a', 'user', 1, '', 0, 0, 0, 0)`,
    );
    for (const key of ['k1', 'k2']) {
      await queries.run(
        "INSERT INTO keys (id, account_id, name, prefix, digest, created_at) VALUES (?, 'acc', 'a \"b\"', ?, '', 0)",
        ...[key, `sk-tunan-${key}`],
      );
    }
  });
}
