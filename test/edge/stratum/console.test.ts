/** The operator's console: each command does its work or says what is wrong. */

import { describe, expect, it } from "vitest";
import { runConsoleCommand } from "../../../edge/stratum/console.ts";
import { HASH_B, methods, startHarness } from "../../support/stratum/harness.ts";

async function started() {
  const harness = startHarness();
  const client = await harness.miner("user,rig");
  const [session] = harness.server.sessions();
  const id = session?.id ?? "";
  const run = (line: string): Promise<string> => runConsoleCommand(harness.server, line);
  return { ...harness, client, id, run };
}

describe("the console", () => {
  it("lists the clients", async () => {
    const { id, run } = await started();

    expect(await run("listclients")).toBe(
      `${id} 10.0.0.1 authorized user,rig target=ffff000000000000 agent="prosper/test"`,
    );
    expect(await run("listminers")).toBe(await run(" listclients  "));
  });

  it("sends what each command says", async () => {
    const { client, id, run } = await started();

    expect(await run(`getversion ${id}`)).toBe("");
    expect(await run(`showmessage ${id} hello  there`)).toBe("");
    expect(await run(`notify ${id} 1001 ${HASH_B}`)).toBe("");
    expect(await run(`settarget ${id} 0xFF00000000000000`)).toBe("");
    expect(await run(`setnonce ${id}`)).toBe("prefix 4");
    expect(await run(`reconnect ${id} pool.example 1234 5`)).toBe("");
    expect(await run(`stopmining ${id}`)).toBe("");
    await client.fence();

    expect(methods(client.lines)).toEqual([
      "client.get_version",
      "client.show_message",
      "mining.notify",
      "mining.set_nonce",
      "mining.set_target",
      "mining.set_nonce",
      "client.reconnect",
      "mining.stop_mining",
    ]);
    expect(client.lines[4]).toContain('["ff00000000000000"]');
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

    expect(await run(line.replace("ID", id))).toMatch(answer);
  });

  it("says nothing to an empty line", async () => {
    const { run } = await started();

    expect(await run("  ")).toBe("");
  });
});
