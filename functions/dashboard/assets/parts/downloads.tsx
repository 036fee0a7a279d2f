/** A user's own figures as files. */

import { Card } from "../components/card.tsx";
import { type Column, Table } from "../components/table.tsx";

interface File {
  /** Of its address. */
  readonly name: string;
  readonly title: string;
}

const FILES: readonly File[] = [
  { name: "blocks", title: "Shares by block" },
  { name: "earnings", title: "Earnings by day" },
  { name: "payments", title: "Payments and adjustments" },
  { name: "workers", title: "Workers" },
];

const COLUMNS: readonly Column<File>[] = [
  { title: "Figures", cell: (file) => file.title },
  { title: "For a spreadsheet", cell: (file) => <FileLink file={file} format="csv" /> },
  { title: "For a program", cell: (file) => <FileLink file={file} format="json" /> },
];

export function DownloadsCard() {
  return (
    <Card title="Take it with you">
      <Table label="files" columns={COLUMNS} rows={FILES} keyOf={(file) => file.name} />
    </Card>
  );
}

function FileLink({ file: { name, title }, format }: { file: File; format: "csv" | "json" }) {
  const shown = format.toUpperCase();
  return (
    <a href={`/api/me/export/${name}?format=${format}`} download aria-label={`${title} as ${shown}`}>
      {shown}
    </a>
  );
}
