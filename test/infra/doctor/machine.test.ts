/** The doctor's checks of the pool's own machine: its settings, ports, files, clocks and disk. */

import { execFileSync } from "node:child_process";
import { truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { lockFolder } from "../../../edge/lease/folder-lock.ts";
import { systemClock } from "../../../shared/clock.ts";
import { sql } from "../../../shared/db/port.ts";
import { tablePath } from "../../../shared/hash/table-file.ts";
import { TestPatient } from "../../support/patient.ts";
import { TEST_CERT, TEST_KEY } from "../../support/stratum/tls.ts";

let pool: TestPatient;
beforeEach(async () => {
  pool = await TestPatient.open();
});
afterEach(() => pool.close());

describe("broken, it is named with its cure:", () => {
  it("configuration", async () => {
    const broken = pool.config();
    const keyless = { ...broken, pool: { ...broken.pool, esaddress: "" } };

    expect(await pool.reds({ config: keyless })).toEqual([
      expect.stringMatching(/^configuration: pool\.esaddress: expected .*→ .*`prosper config FILE`/),
    ]);
  });

  it("ports: another program has one, or nobody answers at one", async () => {
    await pool.listening(pool.freePorts[0] ?? 0);
    expect(await pool.reds()).toEqual([
      `ports: the pool does not run, and another program has its stratum port ${pool.freePorts[0]} → Stop that program, or set stratum.stratumport to another port`,
    ]);

    const lock = lockFolder(join(pool.dataDir, "edge"));
    pool.undo.push(() => lock.release());
    expect(await pool.reds()).toEqual([
      expect.stringMatching(/^ports: the pool runs, but nobody answers at its web port \d+ → .*web\.port$/),
    ]);
  });

  it("table: of the wrong size for the network, or damaged", async () => {
    const real = pool.config("");
    const pegnet = { ...real.pegnet, activation: -1 };
    expect(await pool.reds({ config: { ...real, pegnet } })).toEqual([
      "table: pegnet.lxrbits is 16, but the real network hashes with 30 → Set pegnet.lxrbits to 30",
    ]);

    const path = tablePath(pool.dataDir, 30);
    writeFileSync(path, "");
    truncateSync(path, 77);
    const app = { ...real.app, tabledir: pool.dataDir };
    expect(await pool.reds({ config: { ...real, app, pegnet: { ...pegnet, lxrbits: 30 } } })).toEqual([
      `table: ${path} has 77 bytes instead of 1073741824 → rm ${path}; the next start makes it anew`,
    ]);
  });

  it("clocks: off beside the database and the node", async () => {
    const clock = { ...systemClock, wallMs: () => systemClock.wallMs() - 3_600_000 };

    expect((await pool.reds({ clock })).filter((line) => line.startsWith("clocks"))).toEqual([
      expect.stringMatching(
        /^clocks: the database's clock is 60 min ahead of this machine's → Set both clocks by NTP/,
      ),
      expect.stringMatching(
        /^clocks: the newest block of http:\/\/one began \d+ min in this machine's future → Set both/,
      ),
    ]);
  });

  it("certificate: nearly over, and no certificate at all", async () => {
    const [cert, key] = [join(pool.dataDir, "cert.pem"), join(pool.dataDir, "key.pem")];
    writeFileSync(cert, TEST_CERT);
    writeFileSync(key, TEST_KEY);
    const own = pool.config();
    const stratum = { ...own.stratum, tlscert: cert, tlskey: key, tlsport: 0 };
    const found = await pool.look({ config: { ...own, stratum } });
    expect(found.find(({ check }) => check === "certificate")).toMatchObject({ level: "ok" });

    const days = Date.parse("2126-10-29T15:52:09Z") - 5 * 86_400_000;
    const clock = { ...systemClock, wallMs: () => days };
    expect(
      (await pool.reds({ config: { ...own, stratum }, clock })).filter((line) => line.startsWith("cert")),
    ).toEqual([
      `certificate: the certificate of CN=pool.test ends in 5 days → Renew ${cert} (certbot renew); the pool reads it again by itself`,
    ]);

    writeFileSync(cert, "nonsense");
    expect(await pool.reds({ config: { ...own, stratum } })).toEqual([
      expect.stringMatching(
        /^certificate: .* is no certificate: .*→ Correct stratum\.tlscert and stratum\.tlskey/,
      ),
    ]);
  });

  it("disk: full within days by what the database grows", async () => {
    const own = pool.config();
    const embedded = { ...own, database: { ...own.database, url: "", host: "" } };
    await pool.forced(sql`UPDATE jobs SET created_at = created_at - interval '3 days'`);
    const [said] = (await pool.look({ config: embedded })).filter(({ check }) => check === "disk");
    expect(said?.said).toMatch(/are free, the database grows by [\d.]+ \w+ a day, [\d.]+ \w+ a year/);

    const folder = pool.folder("small");
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=2m", "tmpfs", folder]);
    pool.undo.push(() => execFileSync("umount", [folder]));
    expect(
      (await pool.reds({ config: embedded, dataDir: folder })).filter((line) => line.startsWith("disk")),
    ).toEqual([
      expect.stringMatching(/^disk: 2\.\d MB of 2\.\d MB are free.*: full in .* → Make room on the disk of/),
    ]);
  });
});
