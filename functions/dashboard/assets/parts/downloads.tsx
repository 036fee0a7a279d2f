/** A user's own figures as files. */

import { useSignal } from "@preact/signals";
import { Card } from "../components/card.tsx";
import { type Column, Table } from "../components/table.tsx";
import { plural, sentence } from "../format.ts";
import { ApiError } from "../live/api.ts";
import { save, wholeRows, wholeTable } from "../live/whole-file.ts";

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

type Format = "csv" | "json";

export function DownloadsCard() {
  const said = useSignal<{ readonly kind: "" | "bad"; readonly text: string } | undefined>(undefined);
  const saveFile = async ({ name, title }: File, format: Format): Promise<void> => {
    said.value = { kind: "", text: `${title}: asking …` };
    try {
      const path = addressOf(name, format);
      const onPart = (parts: number): void => {
        said.value = { kind: "", text: `${title}: ${plural(parts, "part")} …` };
      };
      const file = { name: `prosper-${name}.${format}` };
      if (format === "csv") save(await wholeTable(path, onPart), { ...file, type: "text/csv" });
      else save(await wholeRows(path, onPart), { ...file, type: "application/json" });
      said.value = undefined;
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      said.value = { kind: "bad", text: sentence(error.message) };
    }
  };
  const link = (file: File, format: Format) => (
    <FileLink file={file} format={format} onSave={() => void saveFile(file, format)} />
  );
  const columns: readonly Column<File>[] = [
    { title: "Figures", cell: (file) => file.title },
    { title: "For a spreadsheet", cell: (file) => link(file, "csv") },
    { title: "For a program", cell: (file) => link(file, "json") },
  ];
  return (
    <Card title="Take it with you">
      <Table label="files" columns={columns} rows={FILES} keyOf={(file) => file.name} />
      <p role="status" class={`small ${said.value?.kind ?? ""}`} hidden={said.value === undefined}>
        {said.value?.text}
      </p>
    </Card>
  );
}

const addressOf = (name: string, format: Format): string => `/api/me/export/${name}?format=${format}`;

interface FileLinkProps {
  file: File;
  format: Format;
  onSave: () => void;
}

/** Followed as a link, in a tab of its own say, it is the first part. */
function FileLink({ file: { name, title }, format, onSave }: FileLinkProps) {
  const shown = format.toUpperCase();
  const onClick = (event: MouseEvent): void => {
    event.preventDefault();
    onSave();
  };
  return (
    <a href={addressOf(name, format)} download onClick={onClick} aria-label={`${title} as ${shown}`}>
      {shown}
    </a>
  );
}
