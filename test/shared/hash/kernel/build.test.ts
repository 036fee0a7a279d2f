import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { buildKernel } from "../../../../shared/hash/kernel/build.ts";

it("the committed kernel is what its sources compile to", async () => {
  const built = await buildKernel();

  expect(Object.keys(built)).toEqual(["steps.as.ts", "lxr-steps.h", "lxr.wasm"]);
  for (const [name, contents] of Object.entries(built)) {
    const committed = readFileSync(new URL(`../../../../shared/hash/kernel/${name}`, import.meta.url));
    expect(
      committed.equals(contents),
      `${name} is not what its sources give: run npm run build:kernel and commit it`,
    ).toBe(true);
  }
});
