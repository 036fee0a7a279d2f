/** The database that a contract's tests run on. */

import * as v from "valibot";
import { type Db, one, type Sql } from "../../../../shared/db/port.ts";

export interface UnderTest {
  /** Over the driver under test; there from the first test on. */
  readonly db: Db;
  /** The column `value` of the one row that a statement gives. */
  valueFrom(statement: Sql): Promise<unknown>;
}

/** Any value a driver may give. */
export const raw = v.object({ value: v.any() });

/** `open`: gives the database once that is there. */
export function underTest(open: () => Db): UnderTest {
  return {
    get db() {
      return open();
    },
    valueFrom: async (statement) => (await one(open(), statement, raw)).value,
  };
}
