/** Instants between SQL and this program: milliseconds since 1970, as `Date.now()` has them. */

import { type Sql, sql } from "./port.ts";

/** An instant or an interval of the database in milliseconds. By `date_part`, since `extract` makes a numeric of it first: four times the time. */
export const ms = (instantOrInterval: Sql): Sql => sql`date_part('epoch', ${instantOrInterval}) * 1000`;

/** Milliseconds since 1970 as an instant of the database. */
export const instant = (unixMs: number): Sql => sql`to_timestamp(${unixMs}::float8 / 1000)`;
