/** The hosts where functions run again and again. */

import type { Chance } from "../../support/random.ts";
import { SimFunctions, type SimFunctionsModules } from "./functions.ts";
import type { SimProcess } from "./process.ts";

export interface FunctionHostsModules
  extends Pick<SimFunctionsModules, "network" | "chain" | "onForced" | "mayConflict" | "fail"> {
  readonly chance: Chance;
  readonly process: (name: string) => SimProcess;
  readonly logger: (process: SimProcess) => SimFunctionsModules["logger"];
}

export class FunctionHosts {
  readonly #running: SimFunctions[] = [];
  readonly #modules: FunctionHostsModules;

  constructor(modules: FunctionHostsModules) {
    this.#modules = modules;
  }

  /** What runs at each host, or was killed there. */
  get all(): readonly SimFunctions[] {
    return this.#running;
  }

  /** Starts a process of functions at this host. */
  start(place: number): void {
    const { chance, process: begin, logger, ...modules } = this.#modules;
    const process = begin(`functions-${place}`);
    const functions = new SimFunctions({
      ...modules,
      ...{ process, chance: chance.fork(), logger: logger(process) },
    });
    this.#running[place] = functions;
    functions.run();
  }

  /** A block was booked. */
  seal(): void {
    for (const functions of this.#running) if (functions.process.alive) functions.seal();
  }
}
