/** The differences that were found. Only the first ones are named and all are counted, so that a damaged database cannot fill the memory. */

export class Differences {
  readonly first: string[] = [];
  readonly #kept: number;
  #count = 0;

  constructor(kept: number) {
    this.#kept = kept;
  }

  get count(): number {
    return this.#count;
  }

  add(what: string): void {
    this.#count++;
    if (this.first.length < this.#kept) this.first.push(what);
  }

  /** Names each field whose stored value is not the one that was made again. */
  compare<Field extends string>(
    where: string,
    fields: readonly Field[],
    stored: Readonly<Record<Field, unknown>>,
    made: Readonly<Record<Field, unknown>>,
  ): void {
    for (const field of fields) {
      if (stored[field] !== made[field])
        this.add(`${where}: ${field} is ${stored[field]}, the records make ${made[field]}`);
    }
  }

  /** Compares two lists in byte order of their names; a row on one side only is a difference too. */
  compareRows<Row, Field extends Extract<keyof Row, string>>(
    nameOf: (row: Row) => string,
    isBefore: (a: Row, b: Row) => boolean,
    fields: readonly Field[],
    stored: readonly Row[],
    made: readonly Row[],
  ): void {
    let at = 0;
    for (const row of stored) {
      for (let missing = made[at]; missing !== undefined && isBefore(missing, row); missing = made[++at])
        this.add(`${nameOf(missing)}: there is no such row, the records make one`);
      const same = made[at];
      if (same === undefined || isBefore(row, same)) this.add(`${nameOf(row)}: the records make no such row`);
      else {
        this.compare(nameOf(row), fields, row, same);
        at++;
      }
    }
    for (const missing of made.slice(at))
      this.add(`${nameOf(missing)}: there is no such row, the records make one`);
  }
}
