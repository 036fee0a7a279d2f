/** Prints the AssemblyScript of the two step functions from the list of sub-steps. */

import { TABLE_OFFSET } from "./layout.ts";
import { SUB_STEPS, type SubStep } from "./steps.ts";

export interface Term {
  readonly name: string;
  readonly shift?: { readonly left: boolean; readonly by: string };
}

/** "s1<<9 ^ as" as terms. `as` is a keyword of AssemblyScript, hence `a`. */
export function parseTerms(expression: string): Term[] {
  return expression.split(" ^ ").map((text) => {
    const found = /^(as|s1|s2|v|h)(?:(<<|>>)(\d+))?$/.exec(text);
    if (!found) throw new SyntaxError(`a term is a variable, perhaps shifted; got ${JSON.stringify(text)}`);
    const [, variable = "", operator, by = ""] = found;
    const name = variable === "as" ? "a" : variable;
    return operator ? { name, shift: { left: operator === "<<", by } } : { name };
  });
}

/** The expression on 64-bit integers, in AssemblyScript and C alike. */
export function scalar(expression: string): string {
  return parseTerms(expression)
    .map(({ name, shift }) => (shift ? `(${name} ${shift.left ? "<<" : ">>"} ${shift.by})` : name))
    .join(" ^ ");
}

/** The same on pairs of them. */
function simd(expression: string): string {
  return parseTerms(expression)
    .map(({ name, shift }) => (shift ? `i64x2.${shift.left ? "shl" : "shr_u"}(${name}, ${shift.by})` : name))
    .reduce((left, right) => `v128.xor(${left}, ${right})`);
}

export const local = (variable: string): string => (variable === "as" ? "a" : variable);
const pointer = (variable: string): string => `${local(variable)}Row`;

function printStepOne(): string {
  const lines = SUB_STEPS.flatMap(({ read, into, mix, shift, also }) => [
    `b = load<u8>(<usize>((${scalar(read)}) & mask), TABLE);`,
    `${local(into)} = ${scalar(mix)} ^ (b << ${shift});`,
    ...(also ? [`${local(also.into)} = ${scalar(also.mix)};`] : []),
  ]);
  const state = ["as", "s1", "s2", "h"];
  return [
    "/** One step of a single input: its state stays in registers. */",
    `export function stepOne(mask: u64, ${parameters()}): void {`,
    ...["as", "s1", "s2", "v", "h"].map((x) => `  let ${local(x)} = load<u64>(${pointer(x)});`),
    "  let b: u64;",
    ...lines.map((line) => `  ${line}`),
    ...state.map((x) => `  store<u64>(${pointer(x)}, ${local(x)});`),
    "}",
  ].join("\n");
}

const parameters = (): string => ["as", "s1", "s2", "v", "h"].map((x) => `${pointer(x)}: usize`).join(", ");

/** One pass over the lanes: take the byte read last (unless `step` is the first pass), store the next address (unless the last). */
function printPass(step: SubStep | undefined, next: SubStep | undefined): string {
  const uses = new Set<string>();
  const written = new Set<string>();
  const use = (expression: string): void => {
    for (const { name } of parseTerms(expression)) if (!written.has(name)) uses.add(name);
  };
  const body: string[] = [];
  if (step) {
    use(step.mix);
    written.add(local(step.into));
    body.push(
      `${local(step.into)} = v128.xor(${simd(step.mix)}, i64x2.shl(v128.load(byteRow + k), ${step.shift}));`,
      `v128.store(${pointer(step.into)} + k, ${local(step.into)});`,
    );
    if (step.also) {
      use(step.also.mix);
      written.add(local(step.also.into));
      body.push(
        `${local(step.also.into)} = ${simd(step.also.mix)};`,
        `v128.store(${pointer(step.also.into)} + k, ${local(step.also.into)});`,
      );
    }
  }
  if (next) {
    use(next.read);
    body.push(`v128.store(addressRow + k, v128.and(${simd(next.read)}, masks));`);
  }
  const declared = [
    ...[...uses].map((name) => `let ${name} = v128.load(${name}Row + k);`),
    ...[...written].filter((name) => !uses.has(name)).map((name) => `let ${name}: v128;`),
  ];
  return [
    "  for (let k: usize = 0; k < width; k += 16) {",
    ...[...declared, ...body].map((line) => `    ${line}`),
    "  }",
  ].join("\n");
}

function printStepMany(): string {
  const passes = [undefined, ...SUB_STEPS].map((step, i) => printPass(step, SUB_STEPS[i]));
  return [
    "/** One step of many inputs: each pass of arithmetic is followed by one of reads, so that as many reads are in flight as there are lanes. */",
    `export function stepMany(width: usize, mask: u64, ${parameters()}, addressRow: usize, byteRow: usize): void {`,
    "  const masks = i64x2.splat(mask);",
    passes.join("\n  gather(width, addressRow, byteRow);\n"),
    "}",
  ].join("\n");
}

const GATHER = `// @ts-ignore: decorator
@inline
function gather(width: usize, addressRow: usize, byteRow: usize): void {
  for (let k: usize = 0; k < width; k += 16) {
    store<u64>(byteRow + k, load<u8>(<usize>load<u32>(addressRow + k), TABLE));
    store<u64>(byteRow + k, load<u8>(<usize>load<u32>(addressRow + k, 8), TABLE), 8);
  }
}`;

/** The text of steps.as.ts. */
export function printSteps(): string {
  return `${[
    "// Printed by build.ts from steps.ts: change that.",
    `export const TABLE: usize = ${TABLE_OFFSET};`,
    printStepOne(),
    GATHER,
    printStepMany(),
  ].join("\n\n")}\n`;
}
