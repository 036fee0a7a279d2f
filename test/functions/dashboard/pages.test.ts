import { readdirSync, readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { PAGES } from "../../../functions/dashboard/pages.ts";
import { createTestApi, EVIL, FIRST_HEIGHT, loggedIn, type TestApi } from "../../support/api.ts";
import { type TestClient, testClient } from "../../support/http-client.ts";

const HTML = { headers: { accept: "text/html,*/*" } };
let api: TestApi;
let visitor: TestClient;
beforeAll(async () => {
  api = await createTestApi({ options: { poolName: `Pool "${EVIL}"` } });
  visitor = testClient(api.handler);
});
afterAll(() => api.database.drop());

describe("every page", () => {
  it.each(PAGES.map((page) => page.path.replace("{height}", "1000")))(
    "%s is a shell without inline script, style or data",
    async (path) => {
      const reply = await visitor.send("GET", path, HTML);

      expect(reply.statusCode).toBe(200);
      expect(reply.headers?.["content-type"]).toBe("text/html; charset=utf-8");
      expect(reply.headers?.["content-security-policy"]).toMatch(/^default-src 'self'; /);
      expect(reply.headers?.["content-security-policy"]).toContain("frame-ancestors 'none'");
      // One page asks a server that its visitor names; scripts come from the pool alone there too.
      const others = path === "/me/verify" ? "; connect-src 'self' http: https:" : "";
      const policy = `${reply.headers?.["content-security-policy"]}`;
      expect(policy.endsWith(others)).toBe(true);
      expect(policy.slice(0, policy.length - others.length)).not.toMatch(/unsafe|\*|data:|http/);
      expect(reply.headers?.["x-content-type-options"]).toBe("nosniff");
      const html = reply.body ?? "";
      expect(html.match(/<script[^>]*>[^<]/g)).toBeNull();
      const tags = html.replace(/"[^"]*"/g, '""');
      expect(tags).not.toMatch(/<style|<[^>]*\s(?:style|on\w+)=|javascript:/i);
      expect(html).not.toContain(EVIL);
    },
  );

  it("is made of files that are there", async () => {
    for (const { path } of PAGES) {
      const html = (await visitor.send("GET", path.replace("{height}", "1000"), HTML)).body ?? "";
      const files = [...html.matchAll(/(?:src|href)="(\/assets\/[^"]+)"/g)].map(([, file]) => file ?? "");
      expect(files.length).toBeGreaterThanOrEqual(5);
      for (const file of files) {
        const reply = await visitor.send("GET", file);
        expect(reply.statusCode, file).toBe(200);
        expect(reply.headers?.["cache-control"]).toBe("public, max-age=31536000, immutable");
        expect(reply.headers?.["x-content-type-options"]).toBe("nosniff");
      }
    }
  });

  it("asks for its first figures beside its script", async () => {
    const html = (await visitor.send("GET", "/", HTML)).body ?? "";
    const asked = [...html.matchAll(/rel="preload" as="fetch" crossorigin href="([^"]+)"/g)].map(
      ([, path]) => path,
    );

    expect(asked).toEqual(["/api/session", "/api/pool", "/api/pool/history", "/api/pool/hashrate"]);
    for (const path of asked) expect((await visitor.send("GET", path ?? "")).statusCode).toBe(200);
  });

  it("is answered where there is none, with 404 and the way to those that are", async () => {
    const reply = await visitor.send("GET", "/no/such/page", HTML);
    expect([reply.statusCode, reply.headers?.["content-type"]]).toEqual([404, "text/html; charset=utf-8"]);
    expect(reply.body).toContain("pages/not-found.js");

    const plain = await visitor.send("GET", "/no/such/page");
    expect([plain.statusCode, plain.headers?.["content-type"]]).toEqual([
      404,
      "application/json; charset=utf-8",
    ]);
    expect((await visitor.send("GET", "/api/v1")).statusCode).toBe(405);
  });

  it("moves from the reference's other addresses", async () => {
    const reply = await visitor.send("GET", "/auth/login", HTML);

    expect([reply.statusCode, reply.headers?.["location"]]).toEqual([303, "/login"]);
  });
});

describe("the files", () => {
  it("never make markup out of text [G13]", () => {
    const folder = new URL("../../../functions/dashboard/assets/", import.meta.url);
    const sources = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((name) =>
      /\.tsx?$/.test(name),
    );

    expect(sources.length).toBeGreaterThan(30);
    for (const name of sources) {
      const text = readFileSync(new URL(name, folder), "utf8");
      expect(text, name).not.toMatch(
        /dangerouslySetInnerHTML|innerHTML|outerHTML|insertAdjacentHTML|document\.write|createContextualFragment|DOMParser/,
      );
    }
  });

  it("run under the pages' own policy: no code from text, no source from elsewhere", () => {
    for (const [name, { text }] of api.modules.assets.files) {
      expect(text, name).not.toMatch(/\beval\(|new Function|\bimport\(["'`]https?:/);
      expect(text, name).not.toMatch(/@import|url\(["']?(?:https?:|data:)/);
    }
  });

  it("are fetched in one wave: each page names every script that its own needs", async () => {
    const { files } = api.modules.assets;
    for (const { path } of PAGES) {
      const html = (await visitor.send("GET", path.replace("{height}", "1000"), HTML)).body ?? "";
      const named = [...html.matchAll(/(?:src|href)="\/assets\/[^/]+\/([^"]+)"/g)].map(([, file]) => file);
      for (const file of named) {
        if (file === undefined || !file.endsWith(".js")) continue;
        const imports = files.get(file)?.text.matchAll(/(?:from|import)"([^"]+)"/g) ?? [];
        for (const [, target] of imports) {
          const met = new URL(target ?? "", `http://x/${file}`).pathname.slice(1);
          expect(named, `${path}: ${file} imports ${target}`).toContain(met);
        }
      }
    }
  });

  it("of an older version are sent but not kept, and others are not there", async () => {
    const old = await visitor.send("GET", "/assets/0123456789abcdef/app.css");

    expect([old.statusCode, old.headers?.["cache-control"]]).toEqual([200, "no-cache"]);
    for (const path of [
      "/assets/x/../handler.ts",
      "/assets/x/%2e%2e/pages.ts",
      "/assets/x",
      "/assets/x/tsconfig.json",
      "/assets/x/__proto__",
    ])
      expect((await visitor.send("GET", path)).statusCode, path).toBe(404);
  });
});

describe("the reference's pages as text", () => {
  it("are answered to clients that do not ask for HTML", async () => {
    const ann = await loggedIn(api, "ann");
    const boss = await loggedIn(api, "boss");
    const text = async (client: TestClient, path: string, query = ""): Promise<[number, string]> => {
      const reply = await client.send("GET", path, { query });
      expect(reply.headers?.["content-type"]).toBe("text/plain; charset=utf-8");
      return [reply.statusCode ?? 0, reply.body ?? ""];
    };

    expect(await text(visitor, "/whoami")).toEqual([401, "Error: not logged in\n"]);
    expect(await text(ann, "/whoami")).toEqual([200, "Hello ann\n"]);
    expect((await text(visitor, "/user/owed"))[0]).toBe(401);
    expect((await text(ann, "/user/owed"))[1]).toMatch(
      /\n\tHeight: 1011, PEG: \d+(\.\d+)?, Proportion: 0\.\d+, Shares: \d+\n/,
    );
    expect((await text(visitor, "/pool/rewards"))[1]).toMatch(
      /\n\tHeight: 1000, PEG: \d+, Places: \d+, Fee: /,
    );
    expect((await text(visitor, "/pool/submissions", `jobid=${FIRST_HEIGHT}`))[1]).toContain(
      "2 of them blocked",
    );
    expect((await text(visitor, "/pool/submissions", "jobid=1;drop"))[0]).toBe(400);
    expect((await text(visitor, "/admin/miners"))[0]).toBe(401);
    expect((await text(ann, "/admin/miners"))[0]).toBe(403);
    expect((await text(boss, "/admin/miners"))[1]).toContain(
      "3 workers in the last ten minutes, 3 connections",
    );
  });
});
