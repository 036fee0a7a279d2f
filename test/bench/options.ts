/** The flags of `npm run bench`. */

import { parseArgs } from "node:util";

export interface Options {
  readonly peers: string | undefined;
  readonly only: readonly string[];
  readonly json: boolean;
  readonly quick: boolean;
  readonly rounds: number | undefined;
  readonly bits: number;
  readonly out: string | undefined;
  readonly chart: string | undefined;
  readonly fill: string | undefined;
  readonly list: boolean;
}

export const HELP = `npm run bench -- [flags]: how fast this pool is, beside other programs where they are built

  --peers DIR     programs to compare with: docs/performance.md says which, and how they are called
  --only NAME     this bench only, by its name or one of its rows'; more than once for more
  --list          the names, and what each measures
  --rounds N      turns of each; each bench has its own number unless this is given
  --bits N        size of the large table, 8 to 30 (default 30, or 16 with --quick)
  --quick         small sizes and one round: shows that every row can run
  --out DIR       keep each round in DIR/bench.json, and go on from what is there
  --json          one array of {name, unit, ours, peer, ratio, rounds} on standard output
  --chart FILE    an SVG of the rows that have a peer
  --fill FILE     put the table between the marks of this page
`;

/** Throws Error, which says what was expected, on a flag or value that there is not. */
export function readOptions(args: readonly string[]): Options | "help" {
  const { values } = parseArgs({
    args: [...args],
    options: {
      peers: { type: "string" },
      only: { type: "string", multiple: true, default: [] },
      json: { type: "boolean", default: false },
      quick: { type: "boolean", default: false },
      rounds: { type: "string" },
      bits: { type: "string" },
      out: { type: "string" },
      chart: { type: "string" },
      fill: { type: "string" },
      list: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) return "help";
  return {
    ...{ peers: values.peers, only: values.only, json: values.json, quick: values.quick, list: values.list },
    ...{ out: values.out, chart: values.chart, fill: values.fill },
    rounds: values.rounds === undefined ? undefined : whole("--rounds", values.rounds, 1, 1_000),
    bits: whole("--bits", values.bits ?? (values.quick ? "16" : "30"), 8, 30),
  };
}

function whole(flag: string, text: string, least: number, most: number): number {
  const value = Number(text);
  if (text.trim() === "" || !Number.isInteger(value) || value < least || value > most)
    throw new Error(`${flag}: expected a whole number from ${least} to ${most}, got ${JSON.stringify(text)}`);
  return value;
}
