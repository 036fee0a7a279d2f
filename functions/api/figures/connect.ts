/** How to connect a miner: the exact lines to copy (docs/spec.md, "The stratum dialect" and docs/spec.md, "Commands and pages"). */

import type * as v from "valibot";
import type { ApiOptions } from "../options.ts";
import type { endpointView } from "../views/pool.ts";

const MAINNET_BITS = 30;

/** How the page was asked for. */
export interface Visit {
  /** The Host header. */
  readonly host: string | undefined;
  readonly isSecure: boolean;
}

/** `minerFile` is the name of the package that this pool serves. In every line NAME and RIG stand for the user's and the machine's name. */
export function connectView(
  options: ApiOptions,
  visit: Visit | undefined,
  minerFile: string,
): v.InferOutput<typeof endpointView> {
  const page = pageHost(visit?.host);
  const host = options.stratum.host ?? page?.name ?? "localhost";
  const stratum = `${host}:${options.stratum.port}`;
  const isMainnetTable = options.lxrBits === MAINNET_BITS;
  const bits = isMainnetTable ? "" : ` --bits ${options.lxrBits}`;
  const goBits = isMainnetTable ? "" : `LXRBITSIZE=${options.lxrBits} `;
  const { tlsPort } = options.stratum;
  const stratumTls = tlsPort === undefined ? null : `${host}:${tlsPort}`;
  // Without TLS, anybody on the way can read the password.
  const address = stratumTls === null ? stratum : `${stratumTls} --tls`;
  const flags = `--host ${address} --user NAME --worker RIG${bits}`;
  const packed = `npx --yes http${visit?.isSecure === true ? "s" : ""}://${page?.whole ?? "localhost"}/${minerFile} ${flags}`;
  const cloned = `npx prosper miner ${flags}`;
  const go = `${goBits}prosper-miner -s ${stratum} -u NAME -m RIG`;
  const isOpen = options.registration === "open";
  const asks = isOpen
    ? "It asks for a password of your choice and for the FA address that you are paid at."
    : "It asks for a password of your choice, the invite code that the pool's operator gave you, and the FA address that you are paid at.";
  const mines = "Without a password it mines for a registered name, and can read and change nothing.";
  return {
    stratum,
    stratumTls,
    commands: [
      { by: "package", title: "First start: register and mine", command: `${packed} --register`, note: asks },
      { by: "package", title: "Every other start", command: packed, note: mines },
      {
        by: "clone",
        title: "From a clone of the project: register and mine",
        command: `${cloned} --register`,
        note: asks,
      },
      { by: "clone", title: "From a clone: every other start", command: cloned, note: mines },
      {
        by: "go",
        title: "With the Go prosper-miner: register",
        command: `${go} -p${isOpen ? "" : " -i CODE"} -a FA…`,
        note:
          stratumTls === null
            ? "-p asks for the password on the terminal."
            : "-p asks for the password on the terminal. That miner knows no TLS: choose a password that you use nowhere else.",
      },
      {
        by: "go",
        title: "With the Go prosper-miner: mine",
        command: `${go} -t 4`,
        note: "-t is the number of threads.",
      },
    ],
    userName:
      "1 to 254 printable ASCII characters without space and comma. The miner's name follows after a comma: NAME,RIG.",
  };
}

/** Of a Host header; undefined when it is not a valid one, so that no text of a stranger is shown as a command. */
function pageHost(header: string | undefined): { readonly whole: string; readonly name: string } | undefined {
  const match = /^(\[[0-9a-f:.]{2,45}\]|[a-z0-9.-]{1,253})(:\d{1,5})?$/i.exec(header ?? "");
  return match?.[1] === undefined ? undefined : { whole: match[0], name: match[1] };
}
