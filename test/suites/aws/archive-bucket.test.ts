/** The archive in a bucket, as MiniStack emulates S3: the janitor's own bundle writes it, and an audit reads it. */

import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { bundleFunctions } from "../../../infra/aws/bundle.ts";
import { makeBackupKeys } from "../../../infra/backup/backup-key.ts";
import { packBackup, unpackBackup } from "../../../infra/backup/packed.ts";
import { startDataApiServer } from "../../../infra/emulator/data-api/server.ts";
import type { MiniStack } from "../../../infra/emulator/ministack.ts";
import { s3Store } from "../../../shared/archive/s3-store.ts";
import type { ArchiveStore } from "../../../shared/archive/store.ts";
import { replayBooks } from "../../../shared/audit/replay.ts";
import { type AwsOptions, requestAws } from "../../../shared/aws/call.ts";
import { systemClock, systemRandom } from "../../../shared/clock.ts";
import { sql } from "../../../shared/db/port.ts";
import { SILENT } from "../../../shared/logger.ts";
import { lambdaEnvironment } from "../../support/aws/lambda-process.ts";
import { text } from "../../support/books.ts";
import { createTestDatabase } from "../../support/database.ts";
import { bookEverything } from "../../support/replayed-pool.ts";
import { startOwnMiniStack } from "./own-ministack.ts";

const BUCKET = "prosper-archive";
const bytes = (value: string): Uint8Array => new TextEncoder().encode(value);

let emulator: MiniStack;
let aws: AwsOptions;
let store: ArchiveStore;
beforeAll(async () => {
  process.env["AWS_ACCESS_KEY_ID"] ??= "test";
  process.env["AWS_SECRET_ACCESS_KEY"] ??= "test";
  emulator = await startOwnMiniStack();
  aws = { region: "us-east-1", endpoint: emulator.endpoint };
  const made = await requestAws(aws, {
    ...{ service: "s3", method: "PUT", path: `/${BUCKET}`, headers: {}, body: "", timeoutMs: 10_000 },
  });
  expect(made.ok).toBe(true);
  store = s3Store(`s3://${BUCKET}`, aws);
});
afterAll(() => emulator.stop());

describe("a bucket", () => {
  it("gives back what was put, and nothing where nothing was", async () => {
    await store.put("0000000000/a-0-b.jsonl.br", bytes("one"));

    expect(await store.get("0000000000/a-0-b.jsonl.br")).toEqual(bytes("one"));
    expect(await store.get("0000000000/a-1-b.jsonl.br")).toBeUndefined();
    const below = s3Store(`s3://${BUCKET}/0000000000/`, aws);
    expect(await below.get("a-0-b.jsonl.br")).toEqual(bytes("one"));
  });

  it("takes a backup's parts, encrypted, and gives the folder back", async () => {
    const folder = mkdtempSync(join(tmpdir(), "prosper-packed-"));
    mkdirSync(join(folder, "from/tables"), { recursive: true });
    writeFileSync(join(folder, "from/tables/users.jsonl"), Buffer.alloc(5_000_000, "row\n"));
    const { publicKey, secretKey } = makeBackupKeys();
    const backups = s3Store(`s3://${BUCKET}/backups/today`, aws);

    expect(await packBackup(join(folder, "from"), backups, publicKey)).toBe(3);
    await unpackBackup(backups, join(folder, "to"), secretKey);

    const read = (name: string) => readFileSync(join(folder, name, "tables/users.jsonl"));
    expect(read("to").equals(read("from"))).toBe(true);
    rmSync(folder, { recursive: true });
  });

  it("keeps the first of two files of one name", async () => {
    await store.put("x", bytes("one"));
    await store.put("x", bytes("two"));

    expect(await store.get("x")).toEqual(bytes("one"));
  });

  it("that is not there, or cannot be reached, is an error and not a missing file", async () => {
    await expect(s3Store("s3://no-such-bucket", aws).get("x")).rejects.toMatchObject({
      code: "aws-refused",
      message: expect.stringContaining("NoSuchBucket"),
    });
    const nobody = { ...aws, endpoint: "http://127.0.0.1:1" };
    await expect(s3Store(`s3://${BUCKET}`, nobody).get("x")).rejects.toMatchObject({ code: "aws-away" });
    expect(() => s3Store("s3://Not a bucket", aws)).toThrow(/expected s3:\/\/BUCKET/);
  });
});

describe("the janitor's bundle", () => {
  it("archives into the bucket over the Data API, and the books are made again from there", async () => {
    const database = await createTestDatabase({ driver: "pg" });
    const dataApi = await startDataApiServer(
      { databaseUrl: database.url },
      { clock: systemClock, random: systemRandom, logger: SILENT },
    );
    await bookEverything(database.db);
    const before = await replayBooks(database.db, { named: 5 });
    const bundles = await bundleFunctions(mkdtempSync(join(tmpdir(), "prosper-bundles-")));
    const script = `
      const { handler } = await import(${JSON.stringify(`file://${bundles.janitor.folder}/index.mjs`)});
      const context = { functionName: "test", awsRequestId: "1", getRemainingTimeInMillis: () => 30000 };
      await handler({}, context);
      process.exit(0);`;
    const { stdout } = await promisify(execFile)(process.execPath, ["--input-type=module", "-e", script], {
      cwd: bundles.janitor.folder,
      env: {
        ...lambdaEnvironment("janitor", { url: dataApi.url, database: database.url.replace(/.*\//, "") }),
        ...{ ARCHIVE_BUCKET: BUCKET, ARCHIVE_AFTER_SECONDS: "0.1", AWS_ENDPOINT_URL_S3: emulator.endpoint },
      },
    });

    expect(stdout).toMatch(/"ArchiveOverdueSeconds":0\b/);
    expect(await text(database.db, sql`SELECT count(*) FROM deltas WHERE body IS NOT NULL`)).toBe("1");
    const after = await replayBooks(database.db, { named: 5, archive: store });
    expect({ ...after, archiveFiles: 0 }).toEqual(before);
    expect(after.archiveFiles).toBe(4);
    await dataApi.close();
    await database.drop();
  });
});
