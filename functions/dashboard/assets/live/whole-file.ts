/** A file that the pool hands out part by part, put together: each answer is a short one, whatever there is in all. */

import { ApiError, readJson, send } from "./api.ts";

const NEXT = /<([^>]+)>; *rel="next"/;
const BROKEN = "the pool's answer broke off";

/** The parts in turn, each as `read` has it, as their headers Link say. `onPart` is told how many have come. Throws ApiError. */
export async function partsOf<Part>(
  path: string,
  read: (response: Response) => Promise<Part>,
  onPart: (parts: number) => void = () => {},
): Promise<Part[]> {
  const parts: Part[] = [];
  for (let next: string | undefined = path; next !== undefined; ) {
    const response = await send(next);
    if (!response.ok) await readJson(response);
    parts.push(await read(response));
    onPart(parts.length);
    next = NEXT.exec(response.headers.get("link") ?? "")?.[1];
  }
  return parts;
}

/** A table whose parts have the titles in their first line, which no title breaks. */
export async function wholeTable(path: string, onPart: (parts: number) => void): Promise<string> {
  const readText = (response: Response): Promise<string> =>
    response.text().catch(() => Promise.reject(new ApiError(0, BROKEN)));
  const parts = await partsOf(path, readText, onPart);
  return parts.map((part, i) => (i === 0 ? part : part.slice(part.indexOf("\r\n") + 2))).join("");
}

export async function wholeRows(path: string, onPart: (parts: number) => void): Promise<string> {
  const parts = await partsOf(path, readJson, onPart);
  return JSON.stringify({ rows: parts.flatMap((part) => (part as { rows: unknown[] }).rows), next: null });
}

/** The first part has all of a proof but the receipts, of which each has some. */
export async function wholeProof(path: string): Promise<unknown> {
  const parts = await partsOf(path, readJson);
  const [first] = parts;
  if (parts.length < 2) return first;
  return {
    ...(first as object),
    receipts: parts.flatMap((part) => (part as { receipts: unknown[] }).receipts),
  };
}

/** As if a link to it were followed. */
export function save(text: string, { name, type }: { readonly name: string; readonly type: string }): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type }));
  link.download = name;
  link.click();
  // The browser has begun to read it by then.
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
