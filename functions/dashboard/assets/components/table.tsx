/** A table whose rows keep their elements while figures change, and become cards on a narrow screen. */

import type { ComponentChildren } from "preact";

export interface Column<Row> {
  readonly title: string;
  readonly cell: (row: Row) => ComponentChildren;
  /** Figures, set to the right. */
  readonly num?: boolean;
  /** Left out on a narrow screen: it says what other columns say too, or what nobody looks for there. */
  readonly wideOnly?: boolean;
}

interface TableProps<Row> {
  /** Names it for those who do not see it. */
  label: string;
  /** The first is the row's heading. */
  columns: readonly Column<Row>[];
  rows: readonly Row[];
  /** The same for the same row in the next update. */
  keyOf: (row: Row) => string | number;
}

/**
 * Every role is said, because a table that is drawn as cards would lose them; and what scrolls can be reached by the keyboard. The linter's rules
 * against both are off for this file (biome.json).
 */
export function Table<Row>({ label, columns, rows, keyOf }: TableProps<Row>) {
  return (
    <div class="scroll" role="group" aria-label={label} tabIndex={0}>
      <table role="table" aria-label={label}>
        <thead role="rowgroup">
          <tr role="row">
            {columns.map((column) => (
              <th key={column.title} scope="col" role="columnheader" class={classOf(column)}>
                {column.title}
              </th>
            ))}
          </tr>
        </thead>
        <tbody role="rowgroup">
          {rows.map((row) => (
            <TableRow key={keyOf(row)} columns={columns} row={row} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

function TableRow<Row>({ columns, row }: { columns: readonly Column<Row>[]; row: Row }) {
  return (
    <tr role="row">
      {columns.map((column, i) =>
        i === 0 ? (
          <th key={column.title} scope="row" role="rowheader" class={classOf(column)}>
            {column.cell(row)}
          </th>
        ) : (
          <td key={column.title} role="cell" class={classOf(column)} data-title={column.title}>
            {column.cell(row)}
          </td>
        ),
      )}
    </tr>
  );
}

function classOf<Row>({ num, wideOnly }: Column<Row>): string {
  return `${num === true ? "num" : ""}${wideOnly === true ? " wide-only" : ""}`.trim();
}
