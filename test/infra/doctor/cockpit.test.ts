/** Examinations of the doctor for the administrators' page: made on a timer or for a person, one at a time, shown to all. */

import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Examination } from "../../../functions/api/doctor.ts";
import { createCockpit } from "../../../infra/doctor/cockpit.ts";
import type { Check } from "../../../infra/doctor/finding.ts";
import { systemClock } from "../../../shared/clock.ts";
import { TestPatient } from "../../support/patient.ts";

let pool: TestPatient;
beforeEach(async () => {
  pool = await TestPatient.open();
});
afterEach(() => pool.close());

describe("the cockpit", () => {
  /** Ends when the test says so. */
  function slowCheck(): { check: Check; begun: () => number; end: () => void } {
    const waiting: (() => void)[] = [];
    let begun = 0;
    const check: Check = {
      name: "slow",
      look: () => {
        begun += 1;
        return new Promise((done) => waiting.push(() => done([{ level: "ok", said: `look ${begun}` }])));
      },
    };
    return { check, begun: () => begun, end: () => waiting.shift()?.() };
  }

  it("makes a check that costs much for a timer once in its time only, and for a person at once", async () => {
    let nowMs = 1_000_000;
    let looks = 0;
    const clock = { ...systemClock, monotonicMs: () => nowMs, wallMs: () => nowMs };
    const quick: Check = { name: "quick", look: async () => [{ level: "ok", said: "quick" }] };
    const costly: Check = {
      ...{ name: "costly", restMs: 600_000 },
      look: async () => [{ level: looks === 3 ? "red" : "ok", said: `look ${++looks}` }],
    };
    const cockpit = createCockpit(await pool.patient(), { clock }, [costly, quick]);
    const lookAfter = async (ms: number, look: () => Promise<Examination>): Promise<string | undefined> => {
      nowMs += ms;
      const { atMs, findings } = await look();
      expect([atMs, findings.map(({ check }) => check)]).toEqual([nowMs, ["costly", "quick"]]);
      return findings[0]?.said;
    };

    expect(await lookAfter(0, cockpit.onTime)).toBe("look 1");
    expect(await lookAfter(60_000, cockpit.onTime)).toBe("look 1");
    expect(await lookAfter(60_000, cockpit.again)).toBe("look 2");
    expect(await lookAfter(500_000, cockpit.onTime)).toBe("look 2");
    expect(await lookAfter(100_000, cockpit.onTime)).toBe("look 3");
    // The fourth is red: it is confirmed at once, and so is that it is not.
    expect(await lookAfter(600_000, cockpit.onTime)).toBe("look 4");
    expect(await lookAfter(60_000, cockpit.onTime)).toBe("look 5");
    expect(await lookAfter(60_000, cockpit.onTime)).toBe("look 6");
    expect(await lookAfter(60_000, cockpit.onTime)).toBe("look 6");
  });

  it("makes one examination for all who look, and shows the last one while another is under way", async () => {
    let nowMs = 1_000_000;
    const clock = { ...systemClock, monotonicMs: () => nowMs, wallMs: () => nowMs };
    const slow = slowCheck();
    const cockpit = createCockpit(await pool.patient(), { clock }, [slow.check]);

    const both = Promise.all([cockpit.newest(), cockpit.newest()]);
    slow.end();
    const [first] = await both;
    expect(first).toEqual({
      ...{ atMs: nowMs, isRunning: false },
      findings: [{ check: "slow", level: "ok", said: "look 1" }],
    });
    nowMs += 59_000;
    expect(await cockpit.newest()).toEqual(first);
    expect(slow.begun()).toBe(1);

    const again = cockpit.again();
    nowMs += 2_000;
    const meanwhile = cockpit.newest();
    expect(slow.begun()).toBe(2);
    expect(await meanwhile).toEqual({ ...first, isRunning: true });
    slow.end();
    expect((await again).findings[0]?.said).toMatch(/^look/);
    expect((await cockpit.again()).findings).toEqual([{ check: "slow", level: "ok", said: "look 2" }]);
    expect(slow.begun()).toBe(2);
  }, 15_000);
});
