/** What a user is owed, earned and was paid, and how fast it mines. */

import type { MeView } from "../../../api/views/views.ts";
import { Tile, Tiles } from "../components/card.tsx";
import { count, duration, hashrateParts, peg, percent } from "../format.ts";

export function MyMoney({ me }: { me: MeView }) {
  return (
    <Tiles label="Your money">
      <Tile
        name="Owed"
        figure={{ value: peg(me.owed), unit: "PEG" }}
        note="booked and adjusted, less what was paid out"
        kind="lead"
      />
      <Tile
        name="Pending"
        figure={{ value: `≈\u00a0${peg(me.pending)}`, unit: "PEG" }}
        note={pendingNote(me)}
      />
      <Tile
        name="Earned"
        figure={{ value: peg(me.booked), unit: "PEG" }}
        note={
          BigInt(me.adjusted) === 0n
            ? "from all sealed blocks"
            : `from all sealed blocks; adjusted by ${peg(me.adjusted)}`
        }
      />
      <Tile
        name="Paid out"
        figure={{ value: peg(me.paidOut), unit: "PEG" }}
        note={
          me.payoutAddress === null ? (
            <a href="/whoami">Set a payout address first</a>
          ) : (
            "to your address so far"
          )
        }
      />
      <Tile
        name="Now"
        figure={hashrateParts(me.hashrateShort)}
        note={`last ${duration(me.shortSeconds)}: quick to see a change, rough`}
      />
      <Tile
        name="Steady"
        figure={hashrateParts(me.hashrateLong)}
        note={`last ${duration(me.longSeconds)}: slow, but accurate`}
      />
    </Tiles>
  );
}

function pendingNote(me: MeView): string {
  const [newest] = me.pendingBlocks;
  if (newest === undefined) return "no work in an open block";
  const more = me.pendingBlocks.length === 1 ? "" : ` and ${me.pendingBlocks.length - 1} more`;
  return `${percent(newest.part)} of block ${count(newest.height)}${more}, at the usual reward`;
}
