/** A database of the tests, copied from the template. A test that is done with it gives it to the next one, emptied: a tenth of what a copy costs. */

import { randomBytes } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import pg from "pg";

/** A migrated database that those of tests are copied from: the migrations take ten times as long. */
export const TEMPLATE = "test_template";
/** With more than this in it a new copy costs less than to empty it. */
const MAX_BYTES = 40_000_000;
/** Another text as soon as a table, a trigger, a function, a right or a setting is another. */
const FORM = `SELECT md5(string_agg(x, ',' ORDER BY x)) AS form, pg_database_size(current_database())::float8 AS bytes FROM (
  SELECT 'n' || oid || ' ' || xmin FROM pg_namespace WHERE nspname NOT LIKE 'pg_%' UNION ALL
  SELECT 'c' || oid || ' ' || xmin FROM pg_class WHERE oid >= 16384 AND relpersistence <> 't' UNION ALL
  SELECT 'a' || attrelid || ' ' || attnum || ' ' || a.xmin FROM pg_attribute a
    JOIN pg_class c ON c.oid = attrelid WHERE attrelid >= 16384 AND relpersistence <> 't' UNION ALL
  SELECT 't' || oid || ' ' || xmin FROM pg_trigger UNION ALL
  SELECT 'p' || oid || ' ' || xmin FROM pg_proc WHERE oid >= 16384 UNION ALL
  SELECT 's' || setconfig::text FROM pg_db_role_setting
    WHERE setdatabase = (SELECT oid FROM pg_database WHERE datname = current_database())) AS f (x)`;

/** What a copy of the template must look like to be used again, and the statements that make it as empty as the template. */
export interface Emptying {
  readonly form: string;
  readonly statements: string;
}

export class MadeDatabase {
  readonly url: string;
  readonly #adminUrl: string;
  readonly #name: string;
  readonly #client: pg.Client;

  /** Without `migrated` it has no tables. */
  static async make(adminUrl: string, migrated: boolean): Promise<MadeDatabase> {
    const name = `test_${randomBytes(8).toString("hex")}`;
    const copy = migrated ? ` TEMPLATE ${TEMPLATE} STRATEGY file_copy` : "";
    await withClient(adminUrl, (admin) => admin.query(`CREATE DATABASE ${name}${copy}`));
    const url = adminUrl.replace(/[^/]+$/, name);
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    return new MadeDatabase({ adminUrl, name, url, client });
  }

  private constructor(made: { adminUrl: string; name: string; url: string; client: pg.Client }) {
    this.url = made.url;
    this.#adminUrl = made.adminUrl;
    this.#name = made.name;
    this.#client = made.client;
  }

  /** Ends every other connection to it. Whether the next test can have it: its tables are the template's. */
  async isReusable({ form }: Emptying): Promise<boolean> {
    await endConnections(this.#client, this.#name);
    const { rows } = await this.#client.query(FORM);
    return rows[0].form === form && rows[0].bytes < MAX_BYTES;
  }

  async empty({ statements }: Emptying): Promise<void> {
    await this.#client.query(statements);
  }

  async drop(): Promise<void> {
    await this.#client.end();
    await withClient(this.#adminUrl, async (admin) => {
      await endConnections(admin, this.#name);
      await admin.query(`DROP DATABASE ${this.#name}`);
    });
  }
}

/** Of the database that this client is connected to. */
export async function readEmptying(client: pg.Client): Promise<Emptying> {
  const { rows: forms } = await client.query(FORM);
  const { rows: tables } = await client.query(
    "SELECT quote_ident(tablename) AS name FROM pg_tables WHERE schemaname = 'public' ORDER BY tablename",
  );
  const { rows: sequences } = await client.query(
    "SELECT format('SELECT setval(%L, %s, false)', seqrelid::regclass, seqstart) AS restart FROM pg_sequence ORDER BY 1",
  );
  const filled: string[] = [];
  for (const { name } of tables) {
    const { rows } = await client.query(
      `SELECT quote_literal(jsonb_agg(to_jsonb(t))::text) AS rows FROM ${name} t`,
    );
    if (rows[0].rows !== null)
      filled.push(
        `INSERT INTO ${name} OVERRIDING SYSTEM VALUE SELECT * FROM jsonb_populate_recordset(NULL::${name}, ${rows[0].rows})`,
      );
  }
  const statements = [
    "BEGIN",
    // Append-only tables too, and in any order.
    "SET LOCAL session_replication_role = replica",
    ...tables.map(({ name }) => `DELETE FROM ${name}`),
    ...filled,
    ...sequences.map(({ restart }) => restart),
    "COMMIT",
  ].join(";\n");
  return { form: forms[0].form, statements };
}

/** Resolves when the server has let them go: DROP DATABASE would look again only after a tenth of a second. */
async function endConnections(client: pg.Client, name: string): Promise<void> {
  for (;;) {
    const { rowCount } = await client.query(
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1 AND pid <> pg_backend_pid()",
      [name],
    );
    if (rowCount === 0) return;
    await pause(2);
  }
}

async function withClient(url: string, work: (client: pg.Client) => Promise<unknown>): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await work(client).finally(() => client.end());
}
