/** Prints lxr-steps.h, the sub-steps as a list of C macros, from the list that AssemblyScript's are printed from. */

import { SUB_STEPS, type SubStep } from "./steps.ts";
import { local, parseTerms, scalar } from "./steps-source.ts";

const LINE_BYTES = 64;

/**
 * How many cache lines the next read can be in, over all values of this read's byte B. B is shifted left and then right in the next
 * address, so it changes only the low bits of it. 0 = it may be anywhere.
 */
function candidateLines(step: SubStep, next: SubStep): number {
  const terms = parseTerms(next.read);
  const also = step.also;
  if (also !== undefined && terms.some(({ name }) => name === local(also.into))) return 0;
  const moved = terms
    .filter(({ name }) => name === local(step.into))
    .map(({ shift }) => step.shift + (shift === undefined ? 0 : Number(shift.by) * (shift.left ? 1 : -1)));
  // B has 8 bits: moved by 0 they are the lowest 8 of the address, moved to the right fewer.
  const bits = 8 + Math.max(...moved, -8);
  return bits > 8 ? 0 : Math.max(1, 2 ** bits / LINE_BYTES);
}

/** A later read whose address is known once `at` is done: nothing in between writes what it reads. */
function knownEarly(at: number): SubStep | undefined {
  const writers = (step: SubStep | undefined): string[] =>
    step === undefined ? [] : [local(step.into), ...(step.also ? [local(step.also.into)] : [])];
  return SUB_STEPS.find((later, index) => {
    if (index < at + 2) return false;
    const names = parseTerms(later.read).map(({ name }) => name);
    const lastWriter = SUB_STEPS.slice(0, index).findLastIndex((step) =>
      writers(step).some((name) => names.includes(name)),
    );
    return lastWriter === at;
  });
}

function printStep(step: SubStep, index: number): string {
  const next = SUB_STEPS[index + 1];
  const early = knownEarly(index);
  const then = [
    ...(step.also ? [`${local(step.also.into)} = ${scalar(step.also.mix)};`] : []),
    ...(early ? [`EARLY(${scalar(early.read)})`] : []),
  ].join(" ");
  const mixed = `${local(step.into)}, ${scalar(step.mix)}, ${step.shift}, ${then}`;
  return next === undefined
    ? `  LAST(${mixed})`
    : `  STEP(${mixed}, ${scalar(next.read)}, ${candidateLines(step, next)}) \\`;
}

/** The text of lxr-steps.h. */
export function printHeader(): string {
  return `${[
    "/* Printed by build.ts from steps.ts: change that. */",
    "",
    "/* Where the first sub-step reads. */",
    `#define FIRST_READ (${scalar(SUB_STEPS[0]?.read ?? "")})`,
    "",
    "/*",
    " * STEP(into, mix, shift, then, next, lines): `into` becomes mix ^ B << shift, B being the byte read; `then` follows; the next read is at",
    " * `next`, which B moves only within `lines` cache lines (0: anywhere). EARLY(address): a later read's, known from here on.",
    " */",
    "#define SUB_STEPS(STEP, LAST) \\",
    ...SUB_STEPS.map(printStep),
  ].join("\n")}\n`;
}
