/** What has been measured so far, in a file, so that a run can be ended and gone on with: a round is kept as soon as it is done. */

import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as v from "valibot";
import type { Round } from "./figures.ts";

const values = v.record(v.string(), v.number());
const file = v.object({
  /** What must be the same for rounds to be compared. */
  setting: v.string(),
  rounds: v.record(
    v.string(),
    v.array(v.object({ ours: values, peer: v.optional(values), load: v.number() })),
  ),
});

export class BenchState {
  readonly #path: string | undefined;
  readonly #setting: string;
  readonly #rounds = new Map<string, Round[]>();

  /** Without a folder nothing is kept. Throws Error where the file is not such a file, or was written under other settings. */
  constructor(folder: string | undefined, setting: string) {
    this.#setting = setting;
    if (folder === undefined) return;
    mkdirSync(folder, { recursive: true });
    this.#path = join(folder, "bench.json");
    if (existsSync(this.#path)) this.#read(this.#path);
  }

  /** The rounds of a bench that are done. */
  rounds(bench: string): readonly Round[] {
    return this.#rounds.get(bench) ?? [];
  }

  add(bench: string, round: Round): void {
    this.#rounds.set(bench, [...this.rounds(bench), round]);
    if (this.#path === undefined) return;
    const text = JSON.stringify({ setting: this.#setting, rounds: Object.fromEntries(this.#rounds) });
    // Under another name first: a file that is half written would be lost work.
    writeFileSync(`${this.#path}.new`, `${text}\n`);
    renameSync(`${this.#path}.new`, this.#path);
  }

  #read(path: string): void {
    const told = v.safeParse(v.pipe(v.string(), v.parseJson(), file), readFileSync(path, "utf8"));
    if (!told.success)
      throw new Error(`${path}: expected what an earlier run wrote, got something else: remove it`);
    const { setting, rounds } = told.output;
    if (setting !== this.#setting)
      throw new Error(
        `${path}: expected rounds of "${this.#setting}", got those of "${setting}": remove it, or name another folder`,
      );
    for (const [bench, done] of Object.entries(rounds))
      this.#rounds.set(
        bench,
        done.map(({ ours, peer, load }) => ({ ours, peer, load })),
      );
  }
}
