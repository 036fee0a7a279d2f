/** A user makes a token for a script, uses it and revokes it, and ends another login. */

import { expect, it } from "vitest";
import { describeInBrowser, setScene } from "./scene.ts";
import type { Look } from "./visitor.ts";
import { PASSWORD, startPages } from "./web.ts";

const PHONE: Look = { width: 390, height: 844, colorScheme: "dark", scale: 3 };
const scene = setScene(startPages);

describeInBrowser("the page of an account", () => {
  it("makes a token that reads, shows it once, and revokes it", async () => {
    const ann = await scene.openAs("ann", PHONE);
    await ann.visit("/whoami");
    const { page } = ann;
    const card = page.getByRole("region", { name: "Tokens for scripts" });
    await card.getByLabel("Name of the token").fill("my sheet");
    await card.getByLabel("Current password").fill(PASSWORD);
    await card.getByRole("button", { name: "Make a token" }).click();
    await card.getByText("Copy it now").waitFor();
    const token = (await card.locator("[role=status] code").textContent()) ?? "";
    const read = () => fetch(`${scene.pool.url}/api/me`, { headers: { authorization: `Bearer ${token}` } });
    expect(await (await read()).json()).toMatchObject({ name: "ann" });
    await card.getByRole("rowheader", { name: "my sheet" }).waitFor();
    await ann.photograph("access-390");
    expect(await ann.overflow()).toBeLessThanOrEqual(0);
    expect(await ann.violations()).toEqual([]);

    await page.reload();
    await card.getByRole("rowheader", { name: "my sheet" }).waitFor();
    expect(await ann.text()).not.toContain(token);
    await card.getByRole("button", { name: "Revoke" }).click();
    await card.getByRole("rowheader", { name: "my sheet" }).waitFor({ state: "detached" });
    expect((await read()).status).toBe(401);
    expect(ann.complaints).toEqual([]);
    await ann.close();
  });

  it("lists where its user is logged in, and ends another login", async () => {
    const [here, there] = [await scene.open(PHONE), await scene.open(PHONE)];
    await there.logIn("bob", PASSWORD);
    await here.logIn("bob", PASSWORD);
    await here.visit("/whoami");
    const card = here.page.getByRole("region", { name: "Where you are logged in" });
    await card.getByText("this one").waitFor();
    await card.getByRole("button", { name: "End" }).click();
    await card.getByRole("button", { name: "End" }).waitFor({ state: "detached" });
    await there.page.goto("/me");
    await there.page.waitForURL("**/login?*");
    expect(here.complaints).toEqual([]);
    for (const visitor of [here, there]) await visitor.close();
  });
});
