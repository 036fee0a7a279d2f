import type { LookupAddress } from "node:dns";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { guardedRequest, type RequestOutcome } from "../../../functions/alerts/guarded-request.ts";
import { isPublicAddress } from "../../../functions/alerts/public-address.ts";
import { type HttpCatcher, startHttpCatcher } from "../../support/alert-catchers.ts";

let catcher: HttpCatcher;
let asked: string[] = [];
let names: Record<string, LookupAddress[]> = {};
beforeAll(async () => {
  catcher = await startHttpCatcher();
});
beforeEach(() => {
  asked = [];
  names = {};
  catcher.requests.length = 0;
  catcher.answer(() => ({ status: 200 }));
});
afterAll(() => catcher.stop());

const v4 = (address: string): LookupAddress => ({ address, family: 4 });

function post(url: string, allowPrivate = false, timeoutMs = 2_000): Promise<RequestOutcome> {
  const resolve = async (name: string): Promise<LookupAddress[]> => {
    asked.push(name);
    return names[name] ?? Promise.reject(new Error("ENOTFOUND"));
  };
  const request = {
    url,
    headers: { "x-kept": "1" },
    secretHeaders: { authorization: "Bearer t" },
    body: "{}",
  };
  return guardedRequest(request, { allowPrivate, timeoutMs }, resolve);
}

const PRIVATE = { kind: "failed", words: "its address is not one of the public internet" };

describe("an address that is not of the internet", () => {
  it.each([
    ...["127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0"],
    ...[
      "224.0.0.1",
      "255.255.255.255",
      "192.0.2.1",
      "198.18.0.1",
      "::1",
      "::",
      "fe80::1",
      "fc00::1",
      "fd00:ec2::254",
    ],
    ...[
      "::ffff:127.0.0.1",
      "::ffff:7f00:1",
      "::ffff:a00:1",
      "64:ff9b::7f00:1",
      "2002:7f00:1::",
      "2001::1",
      "ff02::1",
    ],
    ...["fe80::1%eth0", "::127.0.0.1", "localhost", ""],
  ])("is refused: %s", (address) => {
    expect(isPublicAddress(address)).toBe(false);
  });

  it.each(["1.1.1.1", "8.8.8.8", "172.32.0.1", "2606:4700:4700::1111", "::ffff:1.1.1.1"])(
    "%s is one of it",
    (address) => {
      expect(isPublicAddress(address)).toBe(true);
    },
  );
});

describe("a target", () => {
  it.each([
    ...[
      "https://127.0.0.1/",
      "https://[::1]/",
      "https://[::ffff:127.0.0.1]/",
      "https://2130706433/",
      "https://0x7f.1/",
    ],
    ...["https://169.254.169.254/latest/meta-data/", "https://[fd00:ec2::254]/"],
  ])("written as a private address is not dialled: %s", async (url) => {
    expect(await post(url)).toEqual(PRIVATE);
    expect(asked).toEqual([]);
  });

  it.each([
    ["a private address", [v4("127.0.0.1")]],
    ["a public and a private one", [v4("1.1.1.1"), v4("10.0.0.1")]],
    ["an IPv4 address mapped into IPv6", [{ address: "::ffff:127.0.0.1", family: 6 }]],
    ["a private one of IPv6", [{ address: "fd00::1", family: 6 }]],
  ])("whose name resolves to %s is not dialled", async (_, addresses) => {
    names["evil.example"] = addresses;

    expect(await post(`https://evil.example:${catcher.port}/`)).toEqual(PRIVATE);
    expect(asked).toEqual(["evil.example"]);
    expect(catcher.requests).toEqual([]);
  });

  it.each([
    ["http://example.com/", "expected https://, got http://"],
    ["ftp://example.com/", "expected an address that begins with https://"],
    ["https://user:password@example.com/", "expected an address without a user and a password in it"],
    ["nonsense", "expected an address that begins with https://"],
    ["https://nowhere.example/", "its name has no address"],
  ])("%s is refused in words", async (url, words) => {
    expect(await post(url)).toEqual({ kind: "failed", words });
  });
});

describe("where the operator allows private addresses", () => {
  it("posts, and gives the status and how long to wait", async () => {
    catcher.answer(() => ({ status: 429, headers: { "retry-after": "7" }, body: "slow" }));

    expect(await post(`${catcher.url}/hook`, true)).toEqual({
      ...{ kind: "answered", status: 429, retryAfterSeconds: 7, body: "slow" },
    });
    expect(catcher.requests[0]).toMatchObject({
      path: "/hook",
      body: "{}",
      headers: { "x-kept": "1", authorization: "Bearer t" },
    });
  });

  it("follows redirects that keep the method, three at most, and gives secret headers to their own address only", async () => {
    const other = await startHttpCatcher();
    catcher.answer(() => ({ status: 307, headers: { location: `${other.url}/there` } }));

    expect(await post(catcher.url, true)).toMatchObject({ kind: "answered", status: 204 });
    expect(other.requests[0]?.headers).toMatchObject({ "x-kept": "1" });
    expect(other.requests[0]?.headers.authorization).toBeUndefined();
    await other.stop();

    catcher.answer(() => ({ status: 308, headers: { location: "/again" } }));
    catcher.requests.length = 0;
    expect(await post(catcher.url, true)).toEqual({
      kind: "failed",
      words: "it redirects more than 3 times",
    });
    expect(catcher.requests).toHaveLength(4);

    catcher.answer(() => ({ status: 302, headers: { location: "/get" } }));
    expect(await post(catcher.url, true)).toMatchObject({ kind: "answered", status: 302 });
  });

  it("waits no longer than it may, and reads no more of an answer than it needs", async () => {
    catcher.answer(undefined);
    expect(await post(catcher.url, true, 200)).toEqual({
      kind: "failed",
      words: "it did not answer in time",
    });

    catcher.answer(() => ({ status: 200, body: "x".repeat(1_000_000) }));
    const answer = await post(catcher.url, true);
    expect(answer.kind === "answered" && answer.body.length).toBe(4096);
  });
});

describe("a redirect", () => {
  it("to an address inside is refused as the first address would be", async () => {
    // The same machine under a public name: what a redirect says is checked anew.
    const to = (location: string): void => catcher.answer(() => ({ status: 307, headers: { location } }));
    const redirected = async (location: string): Promise<RequestOutcome> => {
      to(location);
      let dials = 0;
      return guardedRequest(
        { url: `${catcher.url}/`, headers: {}, body: "{}" },
        {
          timeoutMs: 2_000,
          // Only the first address may be private here.
          get allowPrivate() {
            return dials++ < 2;
          },
        },
        async (name) => names[name] ?? [],
      );
    };
    names["inside.example"] = [v4("10.0.0.1")];

    expect(await redirected("https://127.0.0.1/")).toEqual(PRIVATE);
    expect(await redirected("https://inside.example/")).toEqual(PRIVATE);
    expect(await redirected("http://example.com/")).toEqual({
      kind: "failed",
      words: "expected https://, got http://",
    });
    expect(catcher.requests).toHaveLength(3);
  });
});
