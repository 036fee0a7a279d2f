/** The nodes: do they answer, are they up to date, is there a second one, are all on one chain and on that of the books? */

import { latestBlock } from "../../shared/db/blocks.ts";
import { coerceError } from "../../shared/errors.ts";
import type { Factomd } from "../../shared/factom/client.ts";
import { type Check, type Finding, ok, type Patient, red, skipped, warn } from "./finding.ts";

/** More than two nodes beside each other ever differ by. */
const LAG_BLOCKS = 2;

interface Node {
  readonly url: string;
  readonly factomd: Factomd;
  readonly height: number;
}

export const factomd: Check = {
  name: "factomd",
  urgent: true,
  async look(patient) {
    const findings: Finding[] = [];
    const nodes: Node[] = [];
    for (const { url, factomd } of patient.nodes) {
      try {
        nodes.push({ url, factomd, height: (await factomd.heights()).directoryBlock });
      } catch (thrown) {
        findings.push(
          red(
            `${url} does not answer: ${coerceError(thrown).message}`,
            "Start it, or correct factom.factomdlocation (--fhost)",
          ),
        );
      }
    }
    const booked = patient.db === undefined ? undefined : await latestBlock(patient.db);
    const top = Math.max(booked?.height ?? 0, ...nodes.map(({ height }) => height));
    findings.push(...nodes.map((node) => lagFinding(node, top)), ...(await chainFindings(nodes, booked)));
    if (booked !== undefined && nodes.length > 0) findings.push(followFinding(booked.height, top, patient));
    if (patient.nodes.length < 2 && !patient.isDevnet)
      findings.push(
        warn(
          "there is one node only: while it is away nothing is mined",
          "Name a second one in factom.factomdlocation, behind a comma",
        ),
      );
    return findings;
  },
};

function lagFinding({ url, height }: Node, top: number): Finding {
  if (top - height <= LAG_BLOCKS) return ok(`${url} is at block ${height}`);
  return red(
    `${url} is at block ${height}, ${top - height} behind`,
    "Let it catch up: has it peers, and room on its disk? Put another node first in factom.factomdlocation meanwhile",
  );
}

/** At a height that all have. */
async function chainFindings(
  nodes: readonly Node[],
  booked: { readonly height: number; readonly keyMr: string } | undefined,
): Promise<Finding[]> {
  const height = Math.min(booked?.height ?? Number.POSITIVE_INFINITY, ...nodes.map((node) => node.height));
  if (nodes.length === 0 || !Number.isFinite(height)) return [];
  const seen = booked?.height === height ? [{ who: "the books", keyMr: booked.keyMr }] : [];
  for (const node of nodes) {
    const block = await node.factomd.dblockByHeight(height);
    if (block !== undefined) seen.push({ who: node.url, keyMr: block.keyMr });
  }
  const [one] = seen;
  const other = seen.find(({ keyMr }) => keyMr !== one?.keyMr);
  if (one === undefined || seen.length < 2) return [skipped("nothing to compare the chain with")];
  if (other === undefined) return [ok(`${seen.map(({ who }) => who).join(", ")}: the same block ${height}`)];
  return [
    red(
      `at block ${height} ${one.who} has ${one.keyMr.slice(0, 16)}…, ${other.who} has ${other.keyMr.slice(0, 16)}…`,
      "They are on different networks or forks: take the wrong one out of factom.factomdlocation; do not pay before",
    ),
  ];
}

function followFinding(booked: number, top: number, { config }: Patient): Finding {
  if (top - booked <= LAG_BLOCKS) return ok(`the books are at block ${booked}`);
  const minutes = Math.round(((top - booked) * config.pegnet.blockperiod) / 60_000);
  return red(
    `the books are at block ${booked}, ${top - booked} behind the node (about ${minutes} min)`,
    "Does the pool run? Its log says why it cannot follow",
  );
}
