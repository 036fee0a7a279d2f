import { describe, expect, it } from "vitest";
import { connectFactomd } from "../../../infra/pool/factomd.ts";
import { systemClock, systemRandom } from "../../../shared/clock.ts";
import { SILENT } from "../../../shared/logger.ts";

/** What is warned of. */
function warned(location: string): unknown[] {
  const said: unknown[] = [];
  const logger = { ...SILENT, warn: (_: string, fields?: object) => void said.push(fields) };
  connectFactomd(location, { clock: systemClock, random: systemRandom, logger });
  return said;
}

describe("factomd over plain http", () => {
  it.each([
    "http://factomd.example.org:8088/v2",
    "http://203.0.113.7:8088/v2",
    "http://[2001:db8::7]:8088/v2",
  ])("through the internet is warned of: %s", (url) => {
    expect(warned(`http://localhost:8088/v2,${url}`)).toEqual([{ node: url }]);
  });

  it.each([
    "https://factomd.example.org/v2",
    "http://localhost:8088/v2",
    "http://127.0.0.1:8088/v2",
    "http://10.1.2.3:8088/v2",
    "http://172.31.0.1:8088/v2",
    "http://[fd00::1]:8088/v2",
    "http://factomd:8088/v2",
    "http://devnet.prosper-try.internal:8088/v2",
  ])("inside, or over https, is not: %s", (url) => {
    expect(warned(url)).toEqual([]);
  });
});
