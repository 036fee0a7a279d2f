/** What changed between two versions of a view, small enough to be sent each time. The browser applies it by the same code. */

export type View = Readonly<Record<string, unknown>>;
type Row = Readonly<Record<string, unknown>>;

/** Of a list whose rows have keys: the rows that are new or changed, and all keys in order where that has changed. */
interface RowsPatch {
  readonly put: readonly Row[];
  readonly order?: readonly string[];
}

export interface ViewPatch {
  /** Values of the view's own keys. */
  readonly set: View;
  readonly rows: Readonly<Record<string, RowsPatch>>;
}

/** By the name of a list in a view: the fields that tell its rows apart. */
export type ListKeys = Readonly<Record<string, readonly string[]>>;

/** The lists of each topic. */
export const LISTS = {
  pool: { blocks: ["height"] },
  me: { workers: ["kind", "name"], pendingBlocks: ["height"] },
} as const satisfies Record<string, ListKeys>;

export type TopicName = keyof typeof LISTS;

/** Undefined where nothing has changed. Both are JSON values. */
export function patchBetween(before: View, after: View, lists: ListKeys): ViewPatch | undefined {
  const set: Record<string, unknown> = {};
  const rows: Record<string, RowsPatch> = {};
  for (const [key, value] of Object.entries(after)) {
    if (isSame(before[key], value)) continue;
    const fields = lists[key];
    const old = before[key];
    if (fields !== undefined && isRows(old) && isRows(value)) rows[key] = rowsBetween(old, value, fields);
    else set[key] = value;
  }
  return Object.keys(set).length + Object.keys(rows).length === 0 ? undefined : { set, rows };
}

function rowsBetween(before: readonly Row[], after: readonly Row[], fields: readonly string[]): RowsPatch {
  const known = new Map(before.map((row) => [keyOf(row, fields), row]));
  const put = after.filter((row) => !isSame(known.get(keyOf(row, fields)), row));
  const order = after.map((row) => keyOf(row, fields));
  return isSame([...known.keys()], order) ? { put } : { put, order };
}

/** A new view; rows and values that did not change are the very same objects. */
export function applyPatch<Shown extends object>(view: Shown, patch: ViewPatch, lists: ListKeys): Shown {
  const next: Record<string, unknown> = { ...view, ...patch.set };
  for (const [key, { put, order }] of Object.entries(patch.rows)) {
    const fields = lists[key] ?? [];
    const old = next[key];
    const rows = new Map((isRows(old) ? old : []).map((row) => [keyOf(row, fields), row]));
    for (const row of put) rows.set(keyOf(row, fields), row);
    next[key] = (order ?? [...rows.keys()]).flatMap((name) => rows.get(name) ?? []);
  }
  return next as Shown;
}

const keyOf = (row: Row, fields: readonly string[]): string =>
  fields.map((field) => String(row[field])).join(" ");

const isSame = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);

function isRows(value: unknown): value is readonly Row[] {
  return Array.isArray(value) && value.every((row) => typeof row === "object" && row !== null);
}
