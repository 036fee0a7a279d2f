/** A pool deployed once, then mined, broken and put right; each step builds on the one before. What a step does is in steps/. */

import { afterAll, beforeAll, describe, it } from "vitest";
import { DeployedPool, FACTOR } from "./deployed-pool.ts";
import { BLOCKS, creditShares, sealBlocks } from "./steps/books.ts";
import { measureByCanary } from "./steps/canary.ts";
import { verifyRoots } from "./steps/chain-roots.ts";
import { changeSecrets } from "./steps/changed-secrets.ts";
import { watchMinerConnect } from "./steps/connect-page.ts";
import { bridgeOutage } from "./steps/database-outage.ts";
import { tryRoles } from "./steps/database-roles.ts";
import { awaitFirstShares } from "./steps/first-job.ts";
import { drainEdge, killEdge } from "./steps/lost-edge.ts";
import { showMoney } from "./steps/my-page.ts";
import { compareTimes } from "./steps/prod-times.ts";
import { registerByApi, registerByStratum } from "./steps/registration.ts";
import { renewCertificate } from "./steps/renewed-certificate.ts";
import { restoreBackup } from "./steps/restored-backup.ts";
import { findSchema, takeReleaseBack } from "./steps/schema.ts";
import { setPoisonAside, timeSummaries } from "./steps/summaries.ts";
import { tellUser } from "./steps/told-user.ts";

const pool = new DeployedPool();
beforeAll(() => pool.begin());
afterAll(() => pool.end());

describe("a pool deployed on an emulator", () => {
  it("has its schema from the deployment itself", () => findSchema(pool));

  it("can be taken back after a migration: with all files, without the last one, with it again", () =>
    takeReleaseBack(pool));

  it("registers a user over the api function", () => registerByApi(pool));

  it("registers miners over stratum by the auth function, and refuses a wrong password", () =>
    registerByStratum(pool));

  it("has prices by the scheduled function, and so a job", () => awaitFirstShares(pool));

  it("is measured from outside by the canary's function, which the status tells everybody", () =>
    measureByCanary(pool));

  it("shows the page that gave a miner's line what becomes of it, within five seconds a step", () =>
    watchMinerConnect(pool));

  it("sets a poison message aside and holds nothing else up", () => setPoisonAside(pool));

  it("shows new connections a renewed certificate, and keeps those that are open", () =>
    renewCertificate(pool));

  it("loses nothing where an edge is killed with -9 and started again", () => killEdge(pool));

  it("hands over everything where an edge is drained, while its miners go to another", () => drainEdge(pool));

  it(`has prod's own times divided by ${FACTOR}, and prod's are what they are said to be`, () =>
    compareTimes(pool));

  it("keeps every summary in the queue for an hour's outage of the database, and sets poison aside at once", () =>
    bridgeOutage(pool));

  it(`seals ${BLOCKS} blocks that paid miners`, () => sealBlocks(pool));

  it("credits every acknowledged share once, and gives out every reward to the last unit", () =>
    creditShares(pool));

  it("gives each function a secret of the database by which all but its own work is refused", () =>
    tryRoles(pool));

  it("shows a user its money by the api function", () => showMoney(pool));

  it("tells a user by webhook and e-mail that a rig has stopped, and mails a code for a new password", () =>
    tellUser(pool));

  it("has its roots on the chain, signed by the janitor and sent by an edge, as anybody finds by prosper verify", () =>
    verifyRoots(pool));

  it("changes the origin's secret and the receipts' by the documented commands, while all who were let in stay so", () =>
    changeSecrets(pool));

  it("brings a summary from its cut to its row in a second or two", () => timeSummaries(pool));

  it("is restored into a new database, which is compared and then takes the old one's name", () =>
    restoreBackup(pool));
});
