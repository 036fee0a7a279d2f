/** The backend of `prosper stratum`: whether what miners claim is hashed. */

import { describe, expect, it } from "vitest";
import { OpenBackend } from "../../../edge/stratum/open-backend.ts";
import type { Hasher } from "../../../shared/hash/hasher.ts";
import { smallHasher } from "../../helpers/small-hasher.ts";

const oprHash = "ab".repeat(32);

function submit(hasher: Hasher | undefined) {
  const backend = new OpenBackend({ lateMs: 5000 }, { hasher, nowMs: () => 0, firstPrefix: 7 });
  backend.setJob(1000, oprHash);
  return (target: string) =>
    backend.submit({
      ...{ user: "bob", worker: "rig", jobId: "1000", nonce: "000000070001", oprHash, target },
      ...{ prefixes: [7], assigned: 0xffff000000000000n, readAtMs: 0, sessionId: "s", remoteAddress: "::1" },
    });
}

describe("a stratum server of its own", () => {
  it("hashes what is claimed", async () => {
    expect(await submit(smallHasher(8))("ffffffffffffffff")).toMatchObject({
      kind: "refused",
      code: "wrong-hash",
    });
  });

  it("that is told to trust miners believes the claim, once for each nonce and not below the target", async () => {
    const claim = submit(undefined);

    expect(await claim("fffe000000000000")).toMatchObject({ kind: "refused", code: "low-difficulty" });
    expect(await claim("ffffffffffffffff")).toEqual({ kind: "accepted" });
    expect(await claim("ffffffffffffffff")).toMatchObject({ kind: "refused", code: "duplicate" });
  });
});
