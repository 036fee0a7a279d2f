/** Which of one's workers are listed: the first page comes with everything else, others are asked for from time to time. */

import { computed, signal } from "@preact/signals";
import type { MeView } from "../../../api/views/views.ts";
import type { MyWorkersView, WorkerView } from "../../../api/views/worker.ts";
import { get } from "./api.ts";
import { attempt, onRefresh } from "./fresh.ts";

export const PAGE_WORKERS = 50;
const POLL_MS = 5000;
/** After the last key was pressed. */
const TYPING_MS = 250;

export interface Asked {
  readonly search: string;
  readonly hidden: boolean;
  readonly state: WorkerView["state"] | undefined;
  readonly from: number;
}

const FIRST: Asked = { search: "", hidden: false, state: undefined, from: 0 };
const asked = signal<Asked>(FIRST);
/** The answer, and to which question. */
const answer = signal<{ readonly path: string; readonly view: MyWorkersView } | undefined>(undefined);
let timer = 0;
let etag: string | undefined;

export const wanted = computed(() => asked.value);

export function ask(change: Partial<Asked>): void {
  const isTyping = change.search !== undefined && change.search !== "";
  asked.value = { ...asked.peek(), from: 0, ...change };
  clearTimeout(timer);
  timer = window.setTimeout(() => void load(), isTyping ? TYPING_MS : 0);
}

const isFirst = ({ search, hidden, state, from }: Asked): boolean =>
  search === "" && !hidden && state === undefined && from === 0;

function pathOf({ search, hidden, state, from }: Asked): string {
  const query = new URLSearchParams({
    limit: String(PAGE_WORKERS),
    from: String(from),
    hidden: String(hidden),
  });
  if (state !== undefined) query.set("state", state);
  // What no name can have is found in none.
  if (search !== "") query.set("search", search.replace(/[^\x20-\x7e]/g, "?").slice(0, 254));
  return `/api/me/workers?${query}`;
}

async function load(): Promise<void> {
  clearTimeout(timer);
  const question = asked.peek();
  if (isFirst(question)) {
    answer.value = undefined;
    return;
  }
  const path = pathOf(question);
  await attempt(async () => {
    const known = answer.peek()?.path === path ? etag : undefined;
    const { body, etag: tag } = await get<MyWorkersView>(path, known);
    // Another question may have been asked meanwhile.
    if (pathOf(asked.peek()) !== path) return;
    etag = tag;
    if (body !== undefined) answer.value = { path, view: body };
  });
  if (!document.hidden) timer = window.setTimeout(() => void load(), POLL_MS);
}

onRefresh(load);
document.addEventListener("visibilitychange", () => {
  if (!document.hidden) void load();
});

/** What is listed now. While the answer to another question is under way, what was shown stays. */
export function listOf(me: MeView): MyWorkersView {
  const shown = answer.value?.view;
  if (shown !== undefined) return shown;
  const rest = me.workers.some(({ kind }) => kind === "rest") ? 1 : 0;
  return { workers: me.workers, total: Math.max(me.workerCounts.shown + rest, me.workers.length), from: 0 };
}
