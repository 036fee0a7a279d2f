/** Ways to mine, honest and not (the issue that asked for the law names most of them), in the order of the table. Each is played slice by slice (game.ts). */

import {
  GUESSES_AND_CONNECTS,
  GUESSES_BY_CHANCE,
  GUESSES_IN_ORDER,
  GUESSES_OF_BEFORE,
  HELD_AS_NOBODY,
} from "./guessed-prefixes.ts";
import { CHANGING_PACE, HONEST, MANY_SESSIONS, TWO_SESSIONS, WISHES } from "./honest.ts";
import {
  ACROSS_A_DISCONNECTION,
  ACROSS_A_RESTART,
  ACROSS_JOBS,
  EASY_TO_HARD,
  HARD_TO_EASY,
  HIGHEST,
  ONE_AFTER_THE_OTHER,
} from "./kept-hits.ts";
import { MIXTURE } from "./mixture.ts";
import { ABANDONED, MANY_TIMES, OTHER_WORKER, TWO_EDGES } from "./several-sessions.ts";
import { ALL_LATE, STOPS, WITHOUT_PRICES } from "./stops.ts";
import type { Strategy } from "./strategy.ts";

export const STRATEGIES: readonly Strategy[] = [
  HONEST,
  TWO_SESSIONS,
  MANY_SESSIONS,
  HIGHEST,
  ONE_AFTER_THE_OTHER,
  HARD_TO_EASY,
  EASY_TO_HARD,
  ACROSS_A_DISCONNECTION,
  ACROSS_A_RESTART,
  ACROSS_JOBS,
  TWO_EDGES,
  WISHES,
  CHANGING_PACE,
  GUESSES_IN_ORDER,
  GUESSES_OF_BEFORE,
  GUESSES_BY_CHANCE,
  GUESSES_AND_CONNECTS,
  HELD_AS_NOBODY,
  STOPS,
  WITHOUT_PRICES,
  ALL_LATE,
  ABANDONED,
  MANY_TIMES,
  OTHER_WORKER,
  { ...HONEST, name: "stratum alone: honest", kind: "open" },
  { ...WISHES, name: "stratum alone: wishes often, sends all", kind: "open" },
  { ...HIGHEST, name: "stratum alone: sent where the highest target is in force", kind: "open" },
  { ...HARD_TO_EASY, name: "stratum alone: from hard to easy", kind: "open" },
  { ...STOPS, name: "stratum alone: on through a stop", kind: "open" },
  { ...GUESSES_IN_ORDER, name: "stratum alone: hashes ahead under the next prefix", kind: "open" },
  MIXTURE,
  { ...MIXTURE, name: "any mixture, two edges", kind: "two desks", lagMs: 600 },
  { ...MIXTURE, name: "stratum alone: any mixture", kind: "open" },
];
