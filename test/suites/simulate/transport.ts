/** The way from edges to accounting: at least once, in any order, late, refused in an outage, and taken though the answer was lost. */

import { CodedError } from "../../../shared/errors.ts";
import type { QueueSender } from "../../../shared/queue.ts";
import type { Chance } from "../../support/random.ts";
import type { SimProcess } from "./process.ts";
import type { SimTime } from "./time.ts";

export class Transport {
  isAway = false;
  lostAnswers = 0;
  duplicates = 0;
  /** A message may take this long. */
  delayMs = 20;
  readonly #time: SimTime;
  readonly #chance: Chance;
  readonly #consumers: () => readonly QueueSender[];

  constructor(modules: { time: SimTime; chance: Chance; consumers: () => readonly QueueSender[] }) {
    this.#time = modules.time;
    this.#chance = modules.chance;
    this.#consumers = modules.consumers;
  }

  sender(process: SimProcess): QueueSender {
    return {
      send: (body) =>
        process.wait((resolve, reject) => {
          this.#time.after(this.#chance.between(0.2, 5), () => {
            const isTaken = !this.isAway;
            const isAnswered = isTaken && !this.#chance.hit(this.lostAnswers);
            if (isTaken) this.#carry(body);
            this.#time.after(this.#chance.between(0.2, 5), () => {
              if (isAnswered) resolve(undefined);
              else reject(new CodedError("queue-away", "the simulated queue does not answer"));
            });
          });
        }),
    };
  }

  #carry(body: string): void {
    const copies = this.#chance.hit(this.duplicates) ? this.#chance.whole(2, 3) : 1;
    for (let copy = 0; copy < copies; copy++)
      this.#time.after(this.#chance.between(0, this.delayMs), () => this.#deliver(body));
  }

  /** To whoever consumes now; while nobody does, or all refuse, it comes again. */
  #deliver(body: string): void {
    const consumers = this.#consumers();
    const again = (): void => void this.#time.after(1_000, () => this.#deliver(body));
    if (consumers.length === 0) again();
    else this.#chance.pick(consumers).send(body).catch(again);
  }
}
