/** The offline page: proofs from the disk, checked as soon as they are chosen, and against the chain where a node is named. */

import { coerceError } from "../../../../shared/errors.ts";
import type { Check } from "../../../../shared/proofs/verify.ts";
import { AskedNode } from "../verify/ask-node.ts";
import { checkText } from "../verify/check-text.ts";

const form = document.querySelector("form");
const results = document.querySelector("#results");
if (form === null || results === null) throw new Error("the page is not whole");

/** Counts the runs: a slow one that was overtaken shows nothing. */
let run = 0;

/** `asks`: the node too, and not the files alone. */
async function check(asks: boolean): Promise<void> {
  const mine = ++run;
  const fields = new FormData(form ?? undefined);
  const given = (name: string): string => String(fields.get(name) ?? "").trim();
  const published = { root: given("root").toLowerCase(), key: given("key").toLowerCase() };
  const files = fields.getAll("files").filter((file) => file instanceof File && file.size > 0);
  const shown: HTMLElement[] = [];
  try {
    const node = asks ? await reach(given("node"), published.key) : undefined;
    for (const file of files) {
      if (!(file instanceof File)) continue;
      const { checks, file: read } = checkText(await file.text(), published);
      const said = read && (await node?.says(read, { keys: [published.key] }));
      if (mine !== run) return;
      const all = [...checks, ...(said?.checks ?? [])];
      const isPublished = published.root !== "" || (said !== undefined && said.absent === "");
      shown.push(resultOf(file.name, all, { isPublished, absent: said?.absent ?? "" }));
    }
  } catch (thrown) {
    if (mine === run) shown.unshift(element("p", `${coerceError(thrown).message}.`, "bad"));
  }
  if (mine === run) results?.replaceChildren(...shown);
}

async function reach(address: string, key: string): Promise<AskedNode | undefined> {
  if (address === "") return undefined;
  if (key === "")
    throw new Error("The chain is that of the pool's receipt key: fill in the key as you noted it down");
  const node = new AskedNode(address, location.href);
  await node.reach();
  return node;
}

function resultOf(
  name: string,
  checks: readonly Check[],
  { isPublished, absent }: { readonly isPublished: boolean; readonly absent: string },
): HTMLElement {
  const wrong = checks.filter(({ ok }) => !ok).length;
  const good = isPublished
    ? "Right."
    : "The file agrees with itself: compare its root with one that you noted.";
  const section = document.createElement("section");
  const verdict = wrong === 0 ? good : `WRONG: ${wrong} of ${checks.length} checks failed.`;
  section.append(element("h2", name), element("p", verdict, wrong === 0 ? "good" : "bad"));
  if (absent !== "") section.append(element("p", `Not on the chain: ${absent}.`, "bad"));
  const list = document.createElement("ul");
  list.append(...checks.map(({ ok, text }) => element("li", text, ok ? "muted" : "bad")));
  section.append(list);
  return section;
}

function element(tag: string, text: string, kind = ""): HTMLElement {
  const made = document.createElement(tag);
  made.textContent = text;
  made.className = kind;
  return made;
}

form.addEventListener("input", () => void check(false));
form.addEventListener("submit", (event) => {
  event.preventDefault();
  void check(true);
});
