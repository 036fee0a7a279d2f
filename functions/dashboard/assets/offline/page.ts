/** The offline page: proofs from the disk, checked as soon as they are chosen. */

import type { Check } from "../../../../shared/proofs/verify.ts";
import { checkText } from "../verify/check-text.ts";

const form = document.querySelector("form");
const results = document.querySelector("#results");
if (form === null || results === null) throw new Error("the page is not whole");

/** Counts the runs: a slow one that was overtaken shows nothing. */
let run = 0;

async function check(): Promise<void> {
  const mine = ++run;
  const fields = new FormData(form ?? undefined);
  const given = (name: string): string => String(fields.get(name) ?? "").trim();
  const published = { root: given("root"), key: given("key") };
  const files = fields.getAll("files").filter((file) => file instanceof File && file.size > 0);
  const shown: HTMLElement[] = [];
  for (const file of files) {
    if (!(file instanceof File)) continue;
    const checks = checkText(await file.text(), published);
    if (mine !== run) return;
    shown.push(resultOf(file.name, checks, published.root !== ""));
  }
  results?.replaceChildren(...shown);
}

function resultOf(name: string, checks: readonly Check[], hasRoot: boolean): HTMLElement {
  const wrong = checks.filter(({ ok }) => !ok).length;
  const good = hasRoot ? "Right." : "The file agrees with itself: compare its root with one that you noted.";
  const section = document.createElement("section");
  const verdict = wrong === 0 ? good : `WRONG: ${wrong} of ${checks.length} checks failed.`;
  section.append(element("h2", name), element("p", verdict, wrong === 0 ? "good" : "bad"));
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

form.addEventListener("input", () => void check());
form.addEventListener("submit", (event) => event.preventDefault());
