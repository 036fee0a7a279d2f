/**
 * The code that a pool's page puts into its copied line, so that what becomes of the miner is told on that page. The miner sends it at the end of what
 * it calls itself (STRATUM.md, S1): other pools read it as a part of the name.
 */

import * as v from "valibot";

/** 80 bits in base32, made by the page. */
export const connectCode = v.pipe(v.string(), v.regex(/^[A-Z2-7]{16}$/, "16 letters and digits"));

const AT_END = / connect\/([A-Z2-7]{16})$/;

export function agentWithCode(agent: string, code: string | undefined): string {
  return code === undefined ? agent : `${agent} connect/${code}`;
}

/** What a client calls itself, and the code that came with it. */
export function splitAgent(text: string): { readonly agent: string; readonly code: string | undefined } {
  const code = AT_END.exec(text)?.[1];
  return { agent: code === undefined ? text : text.replace(AT_END, ""), code };
}
