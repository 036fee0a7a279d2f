import { readFileSync } from "node:fs";
import * as v from "valibot";
import { describe, expect, it } from "vitest";
import {
  assetsOf,
  MAINNET_ACTIVATIONS,
  OPR_VERSIONS,
  onlyVersion,
  versionAt,
} from "../../../shared/opr/assets.ts";

const lists = v.object({
  assetLists: v.object({
    V1: v.array(v.string()),
    V2: v.array(v.string()),
    V4: v.array(v.string()),
    V5: v.array(v.string()),
  }),
});

describe("OPR versions", () => {
  it.each(["opr_v1.json", "opr_v2.json"])("list the assets in the reference's order: %s", (file) => {
    const text = readFileSync(new URL(`../../support/vectors/${file}`, import.meta.url), "utf8");
    const { V1, V2, V4, V5 } = v.parse(lists, JSON.parse(text)).assetLists;

    expect(OPR_VERSIONS.map(assetsOf)).toEqual([V1, V2, V2, V4, V5]);
  });

  it("begin at mainnet's heights", () => {
    const at = (height: number) => versionAt(height, MAINNET_ACTIVATIONS);
    expect([206_420, 206_421, 210_329, 210_330, 222_269, 222_270].map(at)).toEqual([null, 1, 1, 2, 2, 3]);
    expect([231_619, 231_620, 258_795, 258_796, 9_999_999].map(at)).toEqual([3, 4, 4, 5, 5]);
  });

  it("are one for all heights where a devnet knows only one", () => {
    for (const version of OPR_VERSIONS) {
      expect(versionAt(0, onlyVersion(version))).toBe(version);
      expect(versionAt(258_796, onlyVersion(version))).toBe(version);
    }
  });
});
