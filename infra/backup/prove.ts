/** `prosper restore --prove`: a backup that was never restored is a hope. Into a scratch database, audited, replayed, compared with the live roots. */

import { randomBytes } from "node:crypto";
import { join } from "node:path";
import pg from "pg";
import * as v from "valibot";
import { folderStore } from "../../shared/archive/folder-store.ts";
import type { ArchiveStore } from "../../shared/archive/store.ts";
import { auditBooks } from "../../shared/audit/audit.ts";
import { replayBooks } from "../../shared/audit/replay.ts";
import type { Clock } from "../../shared/clock.ts";
import { logAdminAction } from "../../shared/db/admin-log.ts";
import { openPg } from "../../shared/db/drivers/pg.ts";
import { type Db, sql } from "../../shared/db/port.ts";
import { ARCHIVE } from "./manifest.ts";
import { restoreBackup } from "./restore.ts";

export interface ProofModules {
  /** The living pool's. */
  readonly db: Db;
  /** `postgres://…` of it: the scratch database is made on the same server, and dropped. */
  readonly url: string;
  readonly clock: Clock;
  /** The living pool's: read where the backup has none of its files. */
  readonly archive?: ArchiveStore | undefined;
}

export interface Proof {
  readonly madeAt: string;
  readonly sha256: string;
  /** Sealed blocks compared with the living pool. */
  readonly blocks: number;
  readonly booksSha256: string;
  /** How long the restore alone took, and everything. */
  readonly restoreMs: number;
  readonly totalMs: number;
  /** What does not agree; empty: proved. */
  readonly problems: readonly string[];
}

const NAMED = 10;

/** A proof without problems is put on record (`prosper doctor` shows its age). Throws what `restoreBackup` does. */
export async function proveBackup(
  options: { readonly folder: string; readonly place?: string; readonly sha256?: string | undefined },
  modules: ProofModules,
): Promise<Proof> {
  const { db, url, clock } = modules;
  const startMs = clock.monotonicMs();
  return withScratch(url, async (scratch) => {
    const manifest = await restoreBackup(options, { db: scratch });
    const restoreMs = clock.monotonicMs() - startMs;
    const audit = await auditBooks(scratch);
    const own = folderStore(join(options.folder, ARCHIVE));
    const archive = manifest.archive.length > 0 ? own : modules.archive;
    const replay = await replayBooks(scratch, { named: NAMED, archive });
    const roots = await sealedRoots(scratch);
    const problems = [
      ...audit.problems,
      ...replay.audit.problems,
      ...differing(roots, await sealedRoots(db)),
    ];
    const totalMs = clock.monotonicMs() - startMs;
    const { madeAt, sha256 } = manifest;
    const proof = {
      madeAt,
      sha256,
      blocks: roots.size,
      booksSha256: replay.sha256,
      restoreMs,
      totalMs,
      problems,
    };
    if (problems.length === 0) {
      const details = { sha256, madeAt, blocks: roots.size, totalMs: Math.round(totalMs) };
      await logAdminAction(db, {
        actor: "command line",
        action: "restore-proved",
        subject: options.place ?? options.folder,
        details,
      });
    }
    return proof;
  });
}

/** The living pool may have sealed more since; what it had sealed then stands for ever. */
function differing(restored: ReadonlyMap<number, string>, live: ReadonlyMap<number, string>): string[] {
  return [...restored].flatMap(([height, root]) => {
    const there = live.get(height);
    return there === root
      ? []
      : [`block ${height}: the backup has the root ${root}, the living pool ${there ?? "none"}`];
  });
}

async function sealedRoots(db: Db): Promise<ReadonlyMap<number, string>> {
  const rows = await db.query(
    sql`SELECT height, root FROM jobs WHERE state = 'sealed' ORDER BY height`,
    v.object({ height: v.number(), root: v.string() }),
  );
  return new Map(rows.map(({ height, root }) => [height, root]));
}

async function withScratch<T>(url: string, work: (db: Db) => Promise<T>): Promise<T> {
  const name = `prosper_proof_${randomBytes(6).toString("hex")}`;
  const admin = new pg.Client({ connectionString: url });
  await admin.connect();
  try {
    await admin.query(`CREATE DATABASE ${name}`);
    const address = new URL(url);
    address.pathname = `/${name}`;
    // Filling and replaying a large pool takes longer than its everyday statements may.
    const db = openPg({ url: address.href, timeoutMs: 600_000 });
    try {
      return await work(db);
    } finally {
      await db.close();
      await admin.query(`DROP DATABASE ${name} WITH (FORCE)`);
    }
  } finally {
    await admin.end();
  }
}
