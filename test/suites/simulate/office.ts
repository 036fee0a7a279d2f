/** The office beside the mine: payouts recorded twice at once from old figures, and racers for invite codes. */

import { registerWithInvite } from "../../../shared/db/accounts.ts";
import { recordReceipt } from "../../../shared/db/payments.ts";
import { owed } from "../../support/model/books.ts";
import type { ModelServer } from "../../support/model/server.ts";
import type { Chance } from "../../support/random.ts";
import { GUEST } from "./books.ts";
import type { DatabaseNetwork } from "./network.ts";
import { PAYEE } from "./paymaster.ts";
import { SimProcess } from "./process.ts";
import type { SimTime } from "./time.ts";

const CODE = "invite";

export class Office {
  readonly process: SimProcess;
  readonly #modules: {
    time: SimTime;
    chance: Chance;
    network: DatabaseNetwork;
    server: ModelServer;
  };
  #receipts = 0;
  #racers = 0;

  constructor(modules: { time: SimTime; chance: Chance; network: DatabaseNetwork; server: ModelServer }) {
    this.#modules = modules;
    this.process = new SimProcess("office", modules.time);
  }

  open(): void {
    const { time, chance } = this.#modules;
    time.after(chance.between(2_000, 12_000), () => {
      if (!this.process.alive) return;
      this.#pay();
      this.#race();
      this.open();
    });
  }

  /** Two clerks read what is owed, and both pay it. */
  #pay(): void {
    const { chance, network, server } = this.#modules;
    const user = chance.pick([...server.tables.users].filter((one) => one !== PAYEE));
    const db = network.db(this.process);
    const clerk = async (entryHash: string): Promise<void> => {
      const amount = await network.call(this.process, async () => owed(server.tables, user));
      if (amount <= 0n) return;
      await recordReceipt(db, [{ entryHash, user, address: "FA", amount }]);
    };
    const again = async (work: () => Promise<void>): Promise<void> => {
      // The answer may have been lost: the same receipt is sent once more.
      await work().catch(work);
    };
    for (const entry of [`e${this.#receipts++}`, `e${this.#receipts}`])
      again(() => clerk(entry)).catch(() => undefined);
  }

  #race(): void {
    const { chance, network, server } = this.#modules;
    const code = `${CODE}-${this.#racers}`;
    server.tables.invites.set(code, undefined);
    const db = network.db(this.process);
    for (let racer = 0; racer < chance.whole(2, 5); racer++) {
      const name = `${GUEST}${this.#racers++}`;
      registerWithInvite(db, { name, password: null, payoutAddress: null }, code).catch(() => undefined);
    }
  }
}
