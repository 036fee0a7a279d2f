/** Takes the file that was signed elsewhere to the pool, which sends it. */

import { signal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import type { PaydayView } from "../../../api/views/views.ts";
import { Card } from "../components/card.tsx";
import { Name } from "../components/figures.tsx";
import { count, plural, sentence } from "../format.ts";
import { ApiError, request } from "../live/api.ts";
import { refreshNow } from "../live/fresh.ts";

export const PAYDAY_PATH = "/api/admin/payday";

interface SignedFile {
  readonly prosper?: unknown;
  readonly id?: unknown;
  readonly source?: unknown;
  readonly entries?: unknown;
}

/** Throws ApiError. The server checks every byte; this only finds the wrong file early. */
function parseSigned(text: string, id: string): { source: string; entries: readonly unknown[] } {
  let file: SignedFile | null;
  try {
    file = JSON.parse(text);
  } catch {
    throw new ApiError(0, "this file is no signed payout: it is not JSON");
  }
  if (file?.prosper !== "signed-payout" || typeof file.source !== "string" || !Array.isArray(file.entries))
    throw new ApiError(0, "this file is no signed payout: take the one that `prosper payout sign` wrote");
  if (file.id !== id) throw new ApiError(0, `this file is of payout ${String(file.id)}: prepared is ${id}`);
  return { source: file.source, entries: file.entries };
}

const sendTrouble = signal<string | undefined>(undefined);
const sendProgress = signal<string | undefined>(undefined);

/** Entry by entry: a whole file may be larger than a request. */
async function takeToPool(file: File, id: string): Promise<void> {
  sendTrouble.value = undefined;
  try {
    const { source, entries } = parseSigned(await file.text(), id);
    for (const [no, entry] of entries.entries()) {
      sendProgress.value = `Entry ${no + 1} of ${entries.length}`;
      await request("POST", `${PAYDAY_PATH}/signed`, { id, source, no, entry });
    }
    await refreshNow();
  } catch (error) {
    sendTrouble.value = sentence(error instanceof ApiError ? error.message : "this did not work");
  }
  sendProgress.value = undefined;
}

export function SendSigned({
  payout,
  view,
}: {
  payout: NonNullable<PaydayView["payout"]>;
  view: PaydayView;
}) {
  const { credits } = view;
  const isShort = credits !== null && credits.balance < payout.credits;
  const onFile = (input: HTMLInputElement): void => {
    const [file] = input.files ?? [];
    input.value = "";
    if (file !== undefined) void takeToPool(file, payout.id);
  };
  return (
    <Card title="4 · Send what was signed">
      <div class="steps">
        <Credits needed={payout.credits} credits={credits} isShort={isShort} />
        <label class="button">
          Choose the signed file
          <input
            type="file"
            class="unseen"
            accept=".json,application/json"
            disabled={view.work.doing !== "nothing" || sendProgress.value !== undefined}
            onChange={(event) => onFile(event.currentTarget)}
          />
        </label>
        <p class="small muted">It is checked, put on record, and sent at once. Nothing is ever paid twice.</p>
        <p role="status" class="small bad said" hidden={sendTrouble.value === undefined}>
          {sendTrouble}
        </p>
        {sendProgress.value !== undefined && <p class="muted">{sendProgress}</p>}
      </div>
    </Card>
  );
}

function Credits({
  needed,
  credits,
  isShort,
}: {
  needed: number;
  credits: PaydayView["credits"];
  isShort: boolean;
}): ComponentChildren {
  if (credits === null) return <p>Its entries cost {plural(needed, "entry credit")}.</p>;
  return (
    <p class={isShort ? "bad" : ""}>
      Its entries cost {plural(needed, "entry credit")}; <Name>{credits.address}</Name> has{" "}
      {count(credits.balance)}
      {isShort ? ": buy some first." : "."}
    </p>
  );
}
