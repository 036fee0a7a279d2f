/** Turns of a load generator at one server: each makes new shares, then sends them in the way that is measured. */

import { Generator } from "./generator/generator.ts";
import type { Connecting, Mining, Outcome } from "./generator/protocol.ts";
import type { Room } from "./room.ts";

/** Logs in, and gives back a turn. One during which another job began is not counted but made again. */
export async function shareTurns(
  login: Connecting,
  { quick, ...mining }: Mining & { readonly quick: boolean },
  room: Room,
  send: (generator: Generator) => Promise<Outcome>,
): Promise<() => Promise<Outcome>> {
  const generator = new Generator(room);
  await generator.connect(login);
  const turn = async (): Promise<Outcome> => {
    await generator.mine(mining);
    const outcome = await send(generator);
    return outcome.isStale ? turn() : outcome;
  };
  // What runs for the first time is compiled meanwhile; a pool runs for days.
  if (!quick) await turn();
  return turn;
}
