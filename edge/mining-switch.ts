/**
 * Whether miners are told to mine. It goes off at the moment when their work is known to be worth nothing, and on again when no reason has applied for
 * a while (docs/design.md, "What is told and what is paid end together").
 */

import type { Clock, Timer } from "../shared/clock.ts";

/**
 * `saving`: the block is closed and not yet saved. `stalled`: no block has come for so long that the node cannot be trusted. `unkept`: shares
 * cannot be kept (the lease is lost, or the journal's disk is full). `maintenance`: the operator says so.
 */
export type StopReason = "saving" | "stalled" | "unkept" | "maintenance";

export interface MiningSwitchOptions {
  /** How long no reason to stop may apply before the job goes on: each stop and start costs every miner a nonce prefix. */
  readonly calmMs: number;
}

export class MiningSwitch {
  readonly #options: MiningSwitchOptions;
  readonly #clock: Clock;
  readonly #onChange: (isOn: boolean) => void;
  readonly #reasons = new Set<StopReason>();
  #isOn: boolean = true;
  #calm: Timer | undefined;

  constructor(
    options: MiningSwitchOptions,
    modules: { readonly clock: Clock },
    onChange: (isOn: boolean) => void,
  ) {
    this.#options = options;
    this.#clock = modules.clock;
    this.#onChange = onChange;
  }

  get isOn(): boolean {
    return this.#isOn;
  }

  set(reason: StopReason, applies: boolean): void {
    if (applies) this.#reasons.add(reason);
    else this.#reasons.delete(reason);
    if (applies) this.#turnOff();
    else if (this.#reasons.size === 0 && !this.#isOn) this.#turnOnSoon();
  }

  /** Another job begins: reasons that belong to the block before it are dropped. This call tells nobody. */
  jobIs(): void {
    this.#reasons.delete("saving");
    this.#reasons.delete("stalled");
    this.#calm?.stop();
    this.#calm = undefined;
    this.#isOn = this.#reasons.size === 0;
  }

  #turnOff(): void {
    this.#calm?.stop();
    this.#calm = undefined;
    if (!this.#isOn) return;
    this.#isOn = false;
    this.#onChange(false);
  }

  #turnOnSoon(): void {
    this.#calm ??= this.#clock.after(this.#options.calmMs, () => {
      this.#calm = undefined;
      this.#isOn = true;
      this.#onChange(true);
    });
  }
}
