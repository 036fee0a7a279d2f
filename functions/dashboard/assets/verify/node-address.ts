/** The address of a factomd as somebody types it, and why a browser gets no answer from it: it does not say so itself. */

import { CodedError } from "../../../../shared/errors.ts";

/** Hosts that browsers count as safe without TLS: the visitor's own machine. */
const OWN_MACHINE = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/;
const API = "/v2";

/** With the path of the API where none was given. Throws CodedError `node-address`. */
export function nodeUrl(address: string): string {
  const text = address.trim();
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !["http:", "https:"].includes(url.protocol))
    throw new CodedError(
      "node-address",
      "a node's address is like http://localhost:8088/v2 or https://node.example/v2",
    );
  if (url.username !== "" || url.password !== "")
    throw new CodedError("node-address", "browsers ask no node that wants a name and a password");
  if (url.pathname === "/") url.pathname = API;
  return url.href;
}

/** For people. `page`: the address of the page that asks. */
export function whyNoAnswer(node: string, page: string): string {
  const { protocol, hostname } = new URL(node);
  const isSafe = protocol === "https:" || OWN_MACHINE.test(hostname);
  if (new URL(page).protocol === "https:" && !isSafe)
    return `this page came over https, so your browser asks no node over plain http but one on your own machine: it was not allowed to ask ${node}`;
  return `your browser got no answer from ${node}: no node runs there, or it does not let pages of other sites ask it (CorsDomains in its factomd.conf)`;
}
