/** Each price source: does it answer, and does it agree with the others? Are there prices for the next record? */

import * as v from "valibot";
import { first, sql } from "../../shared/db/port.ts";
import { CodedError } from "../../shared/errors.ts";
import { assetsOf } from "../../shared/opr/assets.ts";
import type { SourceOrder } from "../../shared/prices/order.ts";
import type { Quote } from "../../shared/prices/quote.ts";
import { convertTether } from "../../shared/prices/tether.ts";
import { median } from "../../shared/prices/tiers.ts";
import {
  type Check,
  type Finding,
  type Heard,
  ok,
  type Patient,
  red,
  skipped,
  spanText,
  warn,
} from "./finding.ts";

const ASSETS = assetsOf(5);
/** From the median of three sources or more. The poller has limits of its own for each kind of asset. */
const DEVIANT = 0.15;
const OFF = "turn it off in [oracledatasources] (-1)";

export const prices: Check = {
  name: "prices",
  urgent: true,
  async look(patient) {
    return [...(await sourceFindings(patient)), await newestFinding(patient)];
  },
};

async function sourceFindings(patient: Patient): Promise<Finding[]> {
  let order: SourceOrder | undefined;
  try {
    order = patient.sources();
  } catch (thrown) {
    if (thrown instanceof CodedError) return [red(thrown.message, "Correct the section [oracledatasources]")];
    throw thrown;
  }
  if (order === undefined) return [skipped("a devnet's prices come from its own feed")];
  const rounds = await Promise.all(
    order.enabled.map(async (enabled) => {
      const assets = enabled.source.assets.filter((asset) => ASSETS.includes(asset));
      return { name: enabled.source.name, round: await patient.ask(enabled, assets) };
    }),
  );
  const all = rounds.flatMap(({ round }) => round.quotes);
  const { dollars } = convertTether(all, patient.clock.wallMs());
  const lacking = ASSETS.filter(
    (asset) => asset !== "PEG" && !dollars.some((quote) => quote.asset === asset),
  );
  const findings = rounds.map(({ name, round }) => sourceFinding(name, round, dollars));
  if (lacking.length > 0)
    findings.push(
      warn(
        `no source has ${lacking.join(", ")}`,
        "Turn on a source that has (`prosper datasources ASSET`), or set a price in [oraclefixedprices]",
      ),
    );
  return findings;
}

function sourceFinding(name: string, { quotes, failures }: Heard, dollars: readonly Quote[]): Finding {
  if (quotes.length === 0)
    return red(
      `${name} does not answer: ${failures[0] ?? "no quote"}`,
      `Is its key right, and the way to it open? Else ${OFF}`,
    );
  const off = dollars.filter((quote) => quote.source === name).filter((quote) => isDeviant(quote, dollars));
  if (off.length > 0)
    return red(
      `${name} is far from the other sources: ${named(off)}`,
      `The pool does not use such quotes; if it lasts, ${OFF}`,
    );
  if (failures.length > 0)
    return warn(`${name} answers ${quotes.length} quotes, and fails in part: ${failures[0]}`, `Else ${OFF}`);
  return ok(`${name} answers ${quotes.length} quotes, as the others do`);
}

const NAMED = 5;

function named(quotes: readonly Quote[]): string {
  const first = quotes.slice(0, NAMED).map(({ asset, price }) => `${asset} ${price}`);
  return `${first.join(", ")}${quotes.length > NAMED ? ` and ${quotes.length - NAMED} more` : ""}`;
}

function isDeviant({ asset, price }: Quote, dollars: readonly Quote[]): boolean {
  const all = dollars.filter((quote) => quote.asset === asset).map((quote) => quote.price);
  return all.length >= 3 && Math.abs(price / median(all) - 1) > DEVIANT;
}

/** The poller makes a row only where it has a price for every asset: its age tells whether the next job can be made. */
async function newestFinding({ db, clock, config }: Patient): Promise<Finding> {
  if (db === undefined) return skipped("no database to look for prices in");
  const row = await first(
    db,
    sql`SELECT extract(epoch FROM at)::float8 * 1000 AS "atMs" FROM prices ORDER BY prices.id DESC LIMIT 1`,
    v.object({ atMs: v.number() }),
  );
  if (row === undefined) return warn("there are no prices yet", "Start the pool: it polls at once");
  const ageMs = clock.wallMs() - row.atMs;
  if (ageMs <= config.polling.staleduration) return ok(`the newest prices are ${spanText(ageMs)} old`);
  return red(
    `the newest prices are ${spanText(ageMs)} old: no job can be made with them`,
    "Does the pool run? Its log says which assets lack a price",
  );
}
