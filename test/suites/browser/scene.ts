/** What every file of this suite begins with: a pool, and a browser that looks at its pages. Nothing is started where there is no browser. */

import { type Browser, chromium } from "playwright-core";
import { afterAll, beforeAll, describe, it } from "vitest";
import { isRunnable } from "../../support/optional-suite.ts";
import { CHROMIUM, whyNoBrowser } from "./chromium.ts";
import { type Look, Visitor } from "./visitor.ts";
import { PASSWORD } from "./web.ts";

interface Shown {
  readonly url: string;
  stop(): Promise<unknown>;
}

/** Both are there from the first test on. */
class Scene<Pool extends Shown> {
  pool!: Pool;
  browser!: Browser;

  /** Somebody with a window of its own on the pool's pages. */
  open(look: Look): Promise<Visitor> {
    return Visitor.open(this.browser, this.pool.url, look);
  }

  /** The same, logged in with the password that everybody has in this suite. */
  async openAs(name: string, look: Look): Promise<Visitor> {
    const visitor = await this.open(look);
    await visitor.logIn(name, PASSWORD);
    return visitor;
  }
}

const canRun = isRunnable("test:browser", whyNoBrowser());

/** `describe` and `it`, skipped where there is no browser. */
export const describeInBrowser = describe.skipIf(!canRun);
export const itInBrowser = it.skipIf(!canRun);

/** Makes the pool, then opens the browser and lets `begin` do what comes before the first test; closes and stops them after the last one. */
export function setScene<Pool extends Shown>(
  start: () => Promise<Pool>,
  begin: () => Promise<void> = async () => undefined,
): Scene<Pool> {
  const scene = new Scene<Pool>();
  if (!canRun) return scene;
  beforeAll(async () => {
    scene.pool = await start();
    scene.browser = await chromium.launch(CHROMIUM);
    await begin();
  });
  // Each may be missing where the one before it did not start.
  afterAll(async () => {
    await scene.browser?.close();
    await scene.pool?.stop();
  });
  return scene;
}
