import { describe, expect, it } from "vitest";
import { Sightings } from "../../../edge/stratum/sightings.ts";
import { placeKey } from "../../../shared/messages/sighted.ts";
import { manualClock } from "../../support/manual-clock.ts";
import { call, share, startHarness } from "../../support/stratum/harness.ts";

const CODE = "ABCDEFGHIJKLMNOP";
const OTHER = "ABCDEFGHIJKLMNO2";
const HERE = "10.0.0.1";

const greeting = (code: string, name = "user,rig"): string =>
  call(1, "mining.subscribe", `prosper-ts/0.1 connect/${code}`) + call(2, "mining.authorize", name);

describe("what a server saw of a connection", () => {
  it("goes by its code from the subscription to the first share, and no further", async () => {
    const { clock, connect, server } = startHarness({ tableBits: 12 });
    const client = connect(HERE);
    const startMs = clock.wallMs();
    const seen = () => server.sightings.look({ code: CODE, place: "" });
    expect(server.sightings.look({ code: CODE, place: HERE })).toMatchObject([{ connectedMs: startMs }]);
    expect(seen()).toEqual([]);

    clock.advance(10);
    client.send(greeting(CODE));
    await client.fence();
    expect(seen()).toMatchObject([
      { connectedMs: startMs, subscribedMs: startMs + 10, loggedInMs: startMs + 10, user: "user" },
    ]);
    expect(seen()).toMatchObject([{ worker: "rig", tablePercent: null, problem: null, sharedMs: null }]);
    client.send(call(3, "mining.table", "40", "12"));
    await client.fence();
    expect(seen()).toMatchObject([{ tablePercent: 40, problem: null }]);
    client.send(share(4));
    await client.fence();
    expect(seen()).toMatchObject([{ tablePercent: null, sharedMs: startMs + 10 }]);
    await client.close();
    expect(seen()).toMatchObject([{ endedMs: null, problem: null }]);
  });

  it("is told to no other code, and without one to its own address only", async () => {
    const { connect, server } = startHarness();
    const [own, plain] = [connect(HERE), connect(HERE)];
    own.send(greeting(CODE));
    plain.send(call(1, "mining.subscribe", "prosper/go"));
    await Promise.all([own.fence(), plain.fence()]);

    expect(server.sightings.look({ code: OTHER, place: "10.0.0.2" })).toEqual([]);
    expect(server.sightings.look({ code: OTHER, place: HERE }).map(({ code }) => code)).toEqual([null]);
    expect(server.sightings.look({ code: CODE, place: HERE }).map(({ code }) => code)).toEqual([CODE, null]);
    // What it called itself is as it would be without the code.
    expect([...server.sessions()].map(({ agent }) => agent)).toEqual(["prosper-ts/0.1", "prosper/go"]);
  });

  it("names what went wrong: a refused login, a wrong table, a stale share, and the end of the connection", async () => {
    const { backend, connect, server } = startHarness({ tableBits: 12, invalidWindow: 4 });
    const problem = () => server.sightings.look({ code: CODE, place: "" }).at(-1)?.problem;
    backend.login = async () => ({ kind: "refused", reason: "that user name is taken: choose another" });
    const client = connect(HERE);
    client.send(greeting(CODE));
    await client.fence();
    expect(problem()).toEqual({ code: "login-refused", words: "that user name is taken: choose another" });
    await client.close();
    expect(problem()?.code).toBe("login-refused");

    backend.login = async () => ({ kind: "ok", registered: false });
    backend.verdict = async () => ({ kind: "refused", code: "stale", reason: "job 999 is over" });
    const second = connect(HERE);
    second.send(greeting(CODE) + share(3));
    await second.fence();
    expect(problem()).toEqual({ code: "stale", words: "job 999 is over" });
    second.send(call(4, "mining.table", "0", "9"));
    await second.fence();
    expect(problem()?.words).toMatch(
      /^its table has 9 bits, but this pool's table has 12 bits: start the miner/,
    );
    backend.verdict = async () => ({ kind: "refused", code: "wrong-hash", reason: "it hashes to less" });
    second.send([5, 6, 7, 8, 9, 10, 11, 12].map((id) => share(id)).join(""));
    await second.until(() => second.closed);
    expect(problem()?.code).toBe("wrong-table");
    expect(problem()?.words).toContain("this pool's table has 12 bits");
    expect(server.sightings.look({ code: CODE, place: "" })).toHaveLength(2);
  });

  it("names what sent it away before the login: TLS on the plain port, a full server", async () => {
    const { connect, server } = startHarness({ maxConnections: 1 });
    const problems = () =>
      server.sightings.look({ code: CODE, place: HERE }).map((seen) => seen.problem?.code ?? null);
    const client = connect(HERE);
    connect(HERE);
    expect(problems()).toEqual([null, "full"]);
    client.send(Uint8Array.of(0x16, 0x03, 0x01));
    await client.until(() => client.closed);
    expect(problems()).toEqual(["tls-hello", "full"]);
    expect(server.sightings.look({ code: CODE, place: HERE })[0]?.problem?.words).toContain(
      "this port does not speak TLS",
    );
  });
});

describe("the memory of connections", () => {
  it("is bounded by address and in all, and forgets the oldest first", () => {
    const sightings = new Sightings(manualClock());
    const at = (place: string): number => sightings.look({ code: "", place }).length;
    for (let n = 0; n < 20; n++) sightings.opened(HERE);
    expect(at(HERE)).toBe(8);

    for (let n = 0; n < 4_096; n++) sightings.opened(`10.${n >> 8}.${n & 255}.2`);
    expect(at(HERE)).toBe(0);
    expect(at("10.15.255.2")).toBe(1);
  });

  it("takes the addresses of one machine, and those of one network of IPv6, for one place", () => {
    expect([placeKey("127.0.0.1"), placeKey("::ffff:127.0.0.1")]).toEqual([placeKey("::1"), placeKey("::1")]);
    expect(placeKey("2001:db8::1")).toBe(placeKey("2001:db8:0:0:1::2"));
    expect(placeKey("192.0.2.1")).not.toBe(placeKey("192.0.2.2"));
  });
});
