/** One person's browser: a window of its own cookies, size and colours, and whatever its pages complained of. */

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import type { Browser, BrowserContext, Page } from "playwright-core";

export interface Look {
  readonly width: number;
  readonly height: number;
  readonly colorScheme: "light" | "dark";
  /** Pixels of the screen for each of the page. */
  readonly scale?: number;
}

interface Violation {
  readonly id: string;
  readonly impact: string;
  readonly nodes: readonly { readonly html: string }[];
}

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

export class Visitor {
  readonly page: Page;
  /** Errors and warnings of the console, exceptions, and answers of 400 and above. */
  readonly complaints: string[] = [];
  readonly #context: BrowserContext;

  static async open(browser: Browser, url: string, look: Look): Promise<Visitor> {
    const { width, height, colorScheme, scale = 1 } = look;
    const context = await browser.newContext({
      baseURL: url,
      viewport: { width, height },
      deviceScaleFactor: scale,
      colorScheme,
      timezoneId: "Europe/Berlin",
    });
    context.setDefaultTimeout(20_000);
    return new Visitor(context, await context.newPage());
  }

  private constructor(context: BrowserContext, page: Page) {
    this.#context = context;
    this.page = page;
    page.on("console", (message) => {
      if (["error", "warning"].includes(message.type())) this.#complain(message.text());
    });
    page.on("pageerror", (error) => this.#complain(error.message));
    page.on("response", (response) => {
      if (response.status() >= 400) this.#complain(`${response.status()} ${response.url()}`);
    });
  }

  /** Into a folder of the tester's own, where it asks for them: PROSPER_SCREENSHOTS=FOLDER. */
  async photograph(name: string): Promise<void> {
    const folder = process.env["PROSPER_SCREENSHOTS"];
    if (folder !== undefined)
      await this.page.screenshot({ path: join(folder, `${name.replaceAll("/", "_")}.png`), fullPage: true });
  }

  /** Opens a page and waits until its script has drawn it. */
  async visit(path: string): Promise<void> {
    await this.page.goto(path);
    await this.drawn();
  }

  /** Resolves when the page has its header, its heading and no part that still loads. */
  async drawn(): Promise<void> {
    await this.page.locator(".account-nav a").first().waitFor();
    await this.page.locator("main h1, main h2").first().waitFor();
    // Not by a function of the page's own: asked a second time it would be an eval, which the page's policy forbids.
    await this.page.locator("main .loading").first().waitFor({ state: "detached" });
  }

  /** Fills a form's fields by their labels and presses its button. */
  async submit(fields: Readonly<Record<string, string>>, button: string): Promise<void> {
    for (const [label, value] of Object.entries(fields))
      await this.page.getByLabel(label, { exact: false }).fill(value);
    await this.page.getByRole("button", { name: button }).click();
  }

  async logIn(name: string, password: string): Promise<void> {
    await this.visit("/login");
    await this.submit({ "User name": name, Password: password }, "Log in");
    await this.page.waitForURL("**/me");
    await this.drawn();
  }

  /** The words of the page's middle. */
  async text(): Promise<string> {
    return (await this.page.locator("main").textContent()) ?? "";
  }

  /** What axe finds to be in somebody's way: moderate, serious and critical. */
  async violations(): Promise<string[]> {
    // As an expression of the debugger, which the page's policy does not hold for.
    await this.page.evaluate(AXE);
    const { violations } = await this.page.evaluate<{ violations: Violation[] }>(
      "axe.run(document, { resultTypes: ['violations'] })",
    );
    return violations
      .filter(({ impact }) => impact !== "minor")
      .map(
        ({ id, impact, nodes }) =>
          `${impact} ${id}: ${nodes.map(({ html }) => html.slice(0, 160)).join(" | ")}`,
      );
  }

  /** By how many pixels the page is wider than the window: it then scrolls sideways. */
  overflow(): Promise<number> {
    return this.page.evaluate<number>("document.documentElement.scrollWidth - window.innerWidth");
  }

  /** Of the page's ground and its text, from 0 (black) to 255 (white). */
  async brightness(): Promise<{ ground: number; text: number }> {
    const colors = await this.page.evaluate<[string, string]>(
      "(({ backgroundColor, color }) => [backgroundColor, color])(getComputedStyle(document.body))",
    );
    const [ground = 0, text = 0] = colors.map((color) => {
      const [red = 0, green = 0, blue = 0] = (color.match(/[\d.]+/g) ?? []).map(Number);
      return 0.3 * red + 0.59 * green + 0.11 * blue;
    });
    return { ground, text };
  }

  close(): Promise<void> {
    return this.#context.close();
  }

  #complain(what: string): void {
    this.complaints.push(`${new URL(this.page.url()).pathname}: ${what}`);
  }
}
