/** Every figure that is gathered once for all who look. */

import type { ApiModules, ApiOptions } from "../options.ts";
import { createPoolFigures, type PoolFigures } from "./pool.ts";
import { createUserFigures, type UserFigures } from "./user.ts";

export interface Figures {
  readonly pool: PoolFigures;
  readonly user: UserFigures;
}

export function createFigures(options: ApiOptions, modules: ApiModules): Figures {
  return { pool: createPoolFigures(options, modules), user: createUserFigures(modules) };
}
