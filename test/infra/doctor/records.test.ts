/** The doctor's checks of the pool's records: the prices in them, the entry credits that pay for them, and what they win. */

import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Patient } from "../../../infra/doctor/finding.ts";
import { systemClock } from "../../../shared/clock.ts";
import { sql } from "../../../shared/db/port.ts";
import { CodedError } from "../../../shared/errors.ts";
import { sources, TestPatient } from "../../support/patient.ts";

let pool: TestPatient;
beforeEach(async () => {
  pool = await TestPatient.open();
});
afterEach(() => pool.close());

describe("broken, it is named with its cure:", () => {
  it("prices: a source that does not answer, one that is far off, prices that are old", async () => {
    expect(await pool.reds({ sources: sources(1, 1, undefined, 1.5, 1) })).toEqual([
      "prices: S3 does not answer: HTTP 401: the key is unknown → Is its key right, and the way to it open? Else turn it off in [oracledatasources] (-1)",
      expect.stringMatching(
        /^prices: S4 is far from the other sources: PEG 3, USD 3, EUR 3, JPY 3, GBP 3 and \d+ more → The pool does not use such quotes/,
      ),
    ]);

    await pool.forced(sql`UPDATE prices SET at = now() - interval '2 hours'`);
    expect(await pool.reds()).toEqual([
      expect.stringMatching(
        /^prices: the newest prices are 2 h old: no job can be made with them → Does the pool run/,
      ),
    ]);
  });

  it("prices: sources that are set wrong, and an asset that no source has", async () => {
    const wrong = () => {
      throw new CodedError("price-config", "oracledatasources: there is no source NONE");
    };
    expect(await pool.reds({ sources: wrong })).toEqual([
      "prices: oracledatasources: there is no source NONE → Correct the section [oracledatasources]",
    ]);

    const ask: Patient["ask"] = async ({ source }) => {
      const heard = source.parse("", systemClock.wallMs());
      const quotes = "quotes" in heard ? heard.quotes.filter(({ asset }) => asset !== "XAU") : [];
      return { quotes, failures: [] };
    };
    expect((await pool.look({ ask })).filter(({ level }) => level === "warn")).toEqual([
      expect.objectContaining({
        said: "no source has XAU",
        mend: expect.stringMatching(/^Turn on a source/),
      }),
    ]);
  });

  it("credits: enough for a day only", async () => {
    const factomd = await pool.node({ entryCreditBalance: async () => 20 });

    expect(await pool.reds({ nodes: [{ url: "http://one", factomd }] })).toEqual([
      expect.stringMatching(
        /^credits: 20 entry credits on EC\w+: 1\.7 days at 12 a day → Buy entry credits for EC/,
      ),
    ]);
  });

  it("records: none was sent for a while", async () => {
    await pool.forced(sql`UPDATE submissions SET state = 'abandoned'`);

    expect(await pool.reds()).toEqual([
      expect.stringMatching(/^records: this pool has sent no record yet → Do miners mine/),
    ]);
  });

  it("records: none has won for a day, or ever", async () => {
    const warned = async () =>
      (await pool.look({ nodes: [] })).filter(({ check, level }) => check === "records" && level === "warn");
    await pool.forced(sql`UPDATE blocks SET winning = 0, reward = 0`);
    expect(await warned()).toEqual([
      expect.objectContaining({ said: "no block was won yet", mend: expect.stringMatching(/hash rate/) }),
    ]);

    await pool.forced(
      sql`UPDATE blocks SET winning = 1, height = height - 150, at = now() - interval '26 hours' WHERE height = 210000`,
    );
    expect(await warned()).toEqual([
      expect.objectContaining({
        said: "the last block won is 209850, 26 h ago: none of the 152 since (25 h)",
        mend: expect.stringMatching(/\/admin\/withholding/),
      }),
    ]);
  });
});
