/** The disk of the pool's folder: what is free, what the database grows by, and when it is full. */

import { existsSync } from "node:fs";
import { statfs } from "node:fs/promises";
import { dirname } from "node:path";
import * as v from "valibot";
import { type Db, one, sql } from "../../shared/db/port.ts";
import { type Check, DAY_MS, type Finding, ok, red, sizeText, spanText, warn } from "./finding.ts";

const RED_PART = 0.05;
const RED_BYTES = 1e9;
const RED_DAYS = 7;
const WARN_DAYS = 60;
/** Of less than a day nothing can be said for a year. */
const SHORTEST_MS = DAY_MS;

export const disk: Check = {
  name: "disk",
  async look({ db, dataDir, config }) {
    const { bavail, blocks, bsize } = await statfs(existing(dataDir));
    const [free, all] = [bavail * bsize, blocks * bsize];
    const growth = db === undefined ? undefined : await growthADay(db);
    const days = growth === undefined ? Number.POSITIVE_INFINITY : free / growth;
    const rate =
      growth === undefined
        ? ""
        : `, the database grows by ${sizeText(growth)} a day, ${sizeText(growth * 365)} a year`;
    const said = `${sizeText(free)} of ${sizeText(all)} are free${rate}`;
    const full = days < 1000 ? `: full in ${spanText(days * DAY_MS)}` : "";
    const mend = `Make room on the disk of ${dataDir}, or move the pool to a larger one`;
    // What a server of one's own has for a disk cannot be seen from here; its growth can.
    const isOwn = config.database.url !== "" || config.database.host !== "";
    return [
      judge({
        said: `${said}${isOwn ? "" : full}`,
        mend,
        free,
        all,
        days: isOwn ? Number.POSITIVE_INFINITY : days,
      }),
    ];
  },
};

function judge(seen: { said: string; mend: string; free: number; all: number; days: number }): Finding {
  const { said, mend, free, all, days } = seen;
  if (free < Math.min(RED_BYTES, RED_PART * all) || days < RED_DAYS) return red(said, mend);
  return days < WARN_DAYS ? warn(said, mend) : ok(said);
}

/** Bytes; undefined while the pool is too young. */
async function growthADay(db: Db): Promise<number | undefined> {
  const { bytes, ageMs } = await one(
    db,
    sql`SELECT pg_database_size(current_database())::float8 AS bytes,
      (SELECT extract(epoch FROM now() - min(jobs.created_at))::float8 * 1000 FROM jobs) AS "ageMs"`,
    v.object({ bytes: v.number(), ageMs: v.nullable(v.number()) }),
  );
  return ageMs === null || ageMs < SHORTEST_MS ? undefined : (bytes / ageMs) * DAY_MS;
}

/** The folder, or the one above it that is there. */
function existing(dir: string): string {
  return existsSync(dir) || dirname(dir) === dir ? dir : existing(dirname(dir));
}
