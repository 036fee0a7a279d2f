/** `prosper doctor` as a whole: nothing is red on a pool in order, and no check hides another. Each check, broken, is in the files beside. */

import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { doctorCommand } from "../../../infra/cli/books/doctor.ts";
import { CHECKS } from "../../../infra/doctor/doctor.ts";
import { sources, TestPatient } from "../../support/patient.ts";

let pool: TestPatient;
beforeEach(async () => {
  pool = await TestPatient.open();
});
afterEach(() => pool.close());

describe("a pool in order", () => {
  it("has nothing red, and every check says something", async () => {
    const found = await pool.look();

    expect(found.filter(({ level }) => level === "red" || level === "warn")).toEqual([]);
    expect(new Set(found.map(({ check }) => check))).toEqual(new Set(CHECKS.map(({ name }) => name)));
  });

  it("ends with 0, and with 1 where anything is red", async () => {
    const lines: string[] = [];
    const events: unknown[] = [];
    const print = (line: string, facts?: object): void => {
      lines.push(line);
      events.push(facts);
    };

    expect(await doctorCommand(await pool.patient(), { print })).toBe(0);
    expect(lines.at(-1)).toMatch(/^\d+ in order, 0 to look at, 0 red$/);
    expect(
      await doctorCommand(await pool.patient({ nodes: [], sources: sources(undefined) }), { print }),
    ).toBe(1);
    expect(lines.join("\n")).toMatch(/^RED {2}prices +S1 does not answer: .*\n +→ Is its key right/m);
    expect(events.at(-1)).toMatchObject({ event: "examined", red: 1 });
  });
});

describe("broken, it is named with its cure:", () => {
  it("a check that breaks itself hides no other", async () => {
    const nodes = [
      {
        url: "http://one",
        factomd: await pool.node({ entryCreditBalance: () => Promise.reject(new Error("no such method")) }),
      },
    ];

    const found = await pool.look({ nodes });

    expect(found.filter(({ level }) => level === "red")).toEqual([
      expect.objectContaining({ check: "credits", said: "could not be looked at: no such method" }),
    ]);
    expect(new Set(found.map(({ check }) => check)).size).toBe(CHECKS.length);
  });
});
