/** The operator's console: each command does its work or says what is wrong. */

import { describe, expect, it } from "vitest";
import { runConsoleCommand } from "../../../edge/stratum/console.ts";
import { HASH_B, methods, startHarness } from "./support/harness.ts";

async function started() {
  const harness = startHarness();
  const client = await harness.miner("user,rig");
  const [session] = harness.server.sessions();
  const id = session?.id ?? "";
  const run = (line: string): string => runConsoleCommand(harness.server, line);
  return { ...harness, client, id, run };
}

describe("the console", () => {
  it("lists the clients", async () => {
    const { id, run } = await started();

    expect(run("listclients")).toBe(
      `${id} 10.0.0.1 authorized user,rig target=ffff000000000000 agent="prosper/test"`,
    );
    expect(run("listminers")).toBe(run(" listclients  "));
  });

  it("sends what each command says", async () => {
    const { client, id, run } = await started();

    expect(run(`getversion ${id}`)).toBe("");
    expect(run(`showmessage ${id} hello  there`)).toBe("");
    expect(run(`notify ${id} 1001 ${HASH_B}`)).toBe("");
    expect(run(`settarget ${id} 0xFF00000000000000`)).toBe("");
    expect(run(`setnonce ${id}`)).toBe("prefix 3");
    expect(run(`reconnect ${id} pool.example 1234 5`)).toBe("");
    expect(run(`stopmining ${id}`)).toBe("");
    await client.fence();

    expect(methods(client.lines)).toEqual([
      "client.get_version",
      "client.show_message",
      "mining.notify",
      "mining.set_target",
      "mining.set_nonce",
      "client.reconnect",
      "mining.stop_mining",
    ]);
    expect(client.lines[3]).toContain('["ff00000000000000"]');
  });

  it.each([
    ["dance", /unknown command/],
    ["getversion", /expected 1 words/],
    ["getversion nobody", /no session/],
    ["notify ID abc def", /block height/],
    [`notify ID 7 ${HASH_B}`, /has had this job/],
    ["settarget ID zz", /hex digits/],
    ["help", /listclients/],
  ])("answers %j with what is wrong", async (line, answer) => {
    const { id, run } = await started();

    expect(run(line.replace("ID", id))).toMatch(answer);
  });

  it("says nothing to an empty line", async () => {
    const { run } = await started();

    expect(run("  ")).toBe("");
  });
});
