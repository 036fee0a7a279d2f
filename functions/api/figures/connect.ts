/** How to connect a miner: the exact lines to copy (docs/spec.md, "The stratum dialect" and docs/spec.md, "Commands and pages"). */

import type * as v from "valibot";
import type { ApiOptions } from "../options.ts";
import type { endpointView } from "../views/views.ts";

const MAINNET_BITS = 30;

/** `visitedHost` is the Host header of the page. */
export function connectView(
  options: ApiOptions,
  visitedHost: string | undefined,
): v.InferOutput<typeof endpointView> {
  const host = options.stratum.host ?? hostName(visitedHost) ?? "localhost";
  const stratum = `${host}:${options.stratum.port}`;
  const isMainnetTable = options.lxrBits === MAINNET_BITS;
  const bits = isMainnetTable ? "" : ` --bits ${options.lxrBits}`;
  const goBits = isMainnetTable ? "" : `LXRBITSIZE=${options.lxrBits} `;
  const { tlsPort } = options.stratum;
  const stratumTls = tlsPort === undefined ? null : `${host}:${tlsPort}`;
  // Without TLS, anybody on the way can read the password.
  const address = stratumTls === null ? stratum : `${stratumTls} --tls`;
  const ours = `npx prosper miner --host ${address} --user NAME --worker RIG${bits}`;
  const go = `${goBits}prosper-miner -s ${stratum} -u NAME -m RIG`;
  const invite = options.registration === "open" ? "" : " --invite CODE";
  const goInvite = options.registration === "open" ? "" : " -i CODE";
  return {
    stratum,
    stratumTls,
    commands: [
      {
        title: "First start: register and mine",
        command: `${ours} --password SECRET${invite} --address FA…`,
        note:
          options.registration === "open"
            ? "Choose a name and a password; FA… is the address you are paid at."
            : "Choose a name and a password, take the invite code from the pool's operator; FA… is the address you are paid at.",
      },
      {
        title: "Every other start",
        command: ours,
        note: "An empty password mines for a registered name. It can read and change nothing.",
      },
      {
        title: "With the Go prosper-miner: register",
        command: `${go} -p${goInvite} -a FA…`,
        note:
          stratumTls === null
            ? "-p asks for the password on the terminal."
            : "-p asks for the password on the terminal. That miner knows no TLS: choose a password that you use nowhere else.",
      },
      {
        title: "With the Go prosper-miner: mine",
        command: `${go} -t 4`,
        note: "-t is the number of threads.",
      },
    ],
    userName:
      "1 to 254 printable ASCII characters without space and comma. The miner's name follows after a comma: NAME,RIG.",
  };
}

/** The host of a Host header; undefined when it is not a valid one, so that no text of a stranger is shown as a command. */
function hostName(header: string | undefined): string | undefined {
  return /^(\[[0-9a-f:.]{2,45}\]|[a-z0-9.-]{1,253})(:\d{1,5})?$/i.exec(header ?? "")?.[1];
}
