/** Faults put into the code on purpose, one at a time: a simulator that does not find them proves nothing. */

import { registerHooks } from "node:module";
import type { Plan } from "./faults.ts";
import type { Mutation } from "./mutation.ts";
import { OF_BOOKS } from "./of-books.ts";
import { OF_RECORDS } from "./of-records.ts";
import { OF_SCREENING } from "./of-screening.ts";

export const MUTATIONS: readonly Mutation[] = [...OF_SCREENING, ...OF_RECORDS, ...OF_BOOKS];

/** The circumstances of this mutation's schedules that are not drawn. */
export function planOf(name: string | undefined): Partial<Plan> {
  return name === undefined ? {} : (mutationOf(name).plan ?? {});
}

function mutationOf(name: string): Mutation {
  const mutation = MUTATIONS.find((one) => one.name === name);
  if (mutation === undefined) throw new Error(`there is no mutation ${name}`);
  return mutation;
}

/** Loads the files' text changed from here on, in this process. Throws when the code has no such text. */
export function installMutation(name: string): void {
  const mutation = mutationOf(name);
  const edits = [mutation, ...(mutation.also ?? [])];
  registerHooks({
    load(url, context, nextLoad) {
      const loaded = nextLoad(url, context);
      const edit = edits.find(({ file }) => url === new URL(`../../../${file}`, import.meta.url).href);
      if (edit === undefined) return loaded;
      let source =
        typeof loaded.source === "string" ? loaded.source : Buffer.from(bytesOf(loaded.source)).toString();
      for (const [from, to] of edit.replace) {
        if (!source.includes(from)) throw new Error(`${edit.file} has no text for ${name}: ${from}`);
        source = source.replaceAll(from, to);
      }
      return { ...loaded, source };
    },
  });
}

function bytesOf(source: unknown): Uint8Array {
  if (source instanceof Uint8Array) return source;
  throw new Error("the loader gave no source");
}
