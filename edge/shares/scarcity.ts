/** The alarm of a slot that runs out of nonce prefixes (docs/design.md, "Vardiff"). */

import type { Logger } from "../../shared/logger.ts";
import type { Prefixes } from "./prefixes.ts";

export class ScarcityAlarm {
  readonly #prefixes: Prefixes;
  readonly #logger: Logger;
  #isRaised = false;

  constructor(modules: { readonly prefixes: Prefixes; readonly logger: Logger }) {
    this.#prefixes = modules.prefixes;
    this.#logger = modules.logger;
  }

  /** Call this after a prefix was asked for. The alarm is logged once in a job, and at once when it shows, because a job may last for hours. */
  look(): void {
    if (this.#isRaised || !this.#prefixes.isScarce()) return;
    this.#isRaised = true;
    this.#logger.error(
      "fewer than an eighth of the nonce prefixes are free: miners keep their targets until a job opens with more; see which addresses open connections without end",
      { ...this.#prefixes.stats() },
    );
  }

  /** A job has opened: the alarm is logged again if prefixes are still scarce. */
  jobOpened(): void {
    this.#isRaised = false;
    this.look();
  }
}
