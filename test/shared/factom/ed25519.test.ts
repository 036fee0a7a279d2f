import { expect, it } from "vitest";
import { fromHex } from "../../../shared/bytes.ts";
import { verifySignature } from "../../../shared/factom/ed25519.ts";
import vectors from "../../support/vectors/ed25519.json" with { type: "json" };

const ours = ({ key, message, signature }: (typeof vectors.cases)[number]): boolean =>
  verifySignature(fromHex(key), fromHex(message), fromHex(signature));

it("gives the verdict of factomd's library, but takes none under a key of small order", () => {
  const others = vectors.cases.filter((one) => ours(one) !== one.verdict);

  // Both spellings of a point with x = 0, and a y beyond the field.
  const small =
    /^(key of small order, \d\/8 of a turn|y = 1, the neutral point|y beyond the field, 1|the neutral point with a sign)$/;
  expect(vectors.cases.length).toBeGreaterThan(40);
  expect(others.filter(({ note }) => !small.test(note))).toEqual([]);
  expect(others.filter(({ verdict }) => !verdict)).toEqual([]);
  expect(others.filter(({ note }) => note.startsWith("key of small order"))).toHaveLength(8);
});
