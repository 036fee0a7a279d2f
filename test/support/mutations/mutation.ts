/** A fault put into the code on purpose. */

import type { Plan } from "./faults.ts";

export interface Edit {
  /** From the project's folder. */
  readonly file: string;
  /** Each text occurs in the file, and is replaced everywhere. */
  readonly replace: readonly (readonly [string, string])[];
}

export interface Mutation extends Edit {
  readonly name: string;
  /** What is given up. */
  readonly breaks: string;
  /** In other files. */
  readonly also?: readonly Edit[];
  /** Circumstances that bring it out, where drawn ones rarely do. */
  readonly plan?: Partial<Plan>;
  /** Schedules from seed 1 on in which it must be found. */
  readonly within: number;
}
