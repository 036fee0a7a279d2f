/** How to connect a miner, with a button that copies each line. */

import { useSignal } from "@preact/signals";
import { useRef } from "preact/hooks";
import type { PoolView } from "../../../api/views/views.ts";
import { Card } from "../components/card.tsx";

const SAID_MS = 1500;

export function ConnectCard({ connect }: { connect: PoolView["connect"] }) {
  return (
    <Card
      id="connect"
      title="Connect a miner"
      aside={
        <span class="reading">
          Stratum at <b class="mono">{connect.stratum}</b>
          {connect.stratumTls !== null && (
            <>
              , by TLS at <b class="mono">{connect.stratumTls}</b>
            </>
          )}
        </span>
      }
    >
      <ul class="commands">
        {connect.commands.map(({ title, command, note }) => (
          <li key={title}>
            <b class="small">{title}</b>
            <p class="small muted">{note}</p>
            <CommandLine command={command} />
          </li>
        ))}
      </ul>
      <p class="small muted user-name">
        <b>User name: </b>
        {connect.userName}
      </p>
    </Card>
  );
}

function CommandLine({ command }: { command: string }) {
  const said = useSignal("Copy");
  const code = useRef<HTMLElement>(null);
  /** Browsers hand out the clipboard over https and on localhost only; elsewhere the line is selected, ready for Ctrl-C. */
  const copy = async (): Promise<void> => {
    const copied = await Promise.resolve(navigator.clipboard?.writeText(command))
      .then(() => navigator.clipboard !== undefined)
      .catch(() => false);
    if (!copied && code.current !== null) getSelection()?.selectAllChildren(code.current);
    said.value = copied ? "Copied" : "Ctrl-C";
    setTimeout(() => {
      said.value = "Copy";
    }, SAID_MS);
  };
  return (
    <div class="command-line">
      <code ref={code}>
        {/* A narrow screen does not break a word in two at a hyphen. */}
        {command.split(" ").map((word, i) => [
          i === 0 ? "" : " ",
          <span key={`${i} ${word}`} class="word">
            {word}
          </span>,
        ])}
      </code>
      <button type="button" onClick={() => void copy()}>
        {said}
      </button>
    </div>
  );
}
