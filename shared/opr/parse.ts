/** Reads an OPR content of unknown version (pegnet `modules/opr/parse.go`). */

import { parseOprV1 } from "./codec-v1.ts";
import { parseOprV2 } from "./codec-v2.ts";
import type { Opr, Parsed } from "./record.ts";

/** JSON is tried first: some JSON texts are a protobuf message too. The reason is that of the protobuf reader. */
export function parseOpr(content: Uint8Array): Parsed<Opr> {
  const json = parseOprV1(content);
  return json.ok ? json : parseOprV2(content);
}
