/**
 * The guide, followed on an empty server by its own commands (docs/operating.md): a pool is installed, pays its miners, is backed up, destroyed,
 * restored, proved, taken back to the last release and upgraded again. Each step builds on the one before; what it does is in steps/.
 */

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { GuideBlock } from "../../support/guide.ts";
import { isRunnable } from "../../support/optional-suite.ts";
import { GuidedPool } from "./guided-pool.ts";
import { notFollowed } from "./page.ts";
import { whyNot } from "./programs.ts";
import { loseAllAndRestore } from "./steps/backup.ts";
import { configure, install } from "./steps/installation.ts";
import { pay } from "./steps/payday.ts";
import { renewCertificate } from "./steps/renewed-certificate.ts";
import { startByTls } from "./steps/start.ts";
import { goBackAndUpgrade } from "./steps/upgrade.ts";
import { watch } from "./steps/watch.ts";

const runnable = isRunnable("test:guide", whyNot());

describe.runIf(runnable)("the guide on an empty server", () => {
  const pool = new GuidedPool();
  beforeAll(() => pool.begin());
  afterAll(() => pool.end());

  it("installs the pool", () => install(pool));

  it("configures it, on a network of its own", () => configure(pool));

  it("gives pages and miners a certificate, starts, and lets a miner in by TLS", () => startByTls(pool));

  it("takes a renewed certificate to both, by the hook that certbot calls", () => renewCertificate(pool));

  it("watches it: nothing is red, and Prometheus reads its figures", () => watch(pool));

  it("pays its miners, once two have agreed, by a key that is elsewhere", () => pay(pool));

  it("is backed up, destroyed, restored and proved", () => loseAllAndRestore(pool));

  it("goes back to the last release and up again, with a miner that loses nothing", () =>
    goBackAndUpgrade(pool));

  it("has run every block of the guide, but those for containers and for certbot", () => {
    const titles = (blocks: readonly GuideBlock[]): string[] =>
      blocks.map(({ heading, text }) => `${heading}: ${text.split("\n")[0]}`);
    const left = notFollowed();
    expect(titles(left).filter((title) => !/: (?:docker compose|certbot) /.test(title))).toEqual([]);
    expect(left).toHaveLength(2);
  });
});
