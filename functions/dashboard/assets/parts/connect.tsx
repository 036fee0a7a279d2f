/** How to connect a miner: the lines with the visitor's own names in them, each with a button that copies it. */

import { signal, useSignal } from "@preact/signals";
import { type ComponentType, h } from "preact";
import { useEffect, useId } from "preact/hooks";
import type { PoolView } from "../../../api/views/views.ts";
import { Card } from "../components/card.tsx";
import { CommandLine } from "../components/command-line.tsx";
import { sentence } from "../format.ts";
import { get } from "../live/api.ts";
import { user } from "../live/session.ts";

type Connect = PoolView["connect"];
type Command = Connect["commands"][number];

/** What USER_NAME and WORKER_NAME of the stratum dialect allow. */
const NAME = /^[\x21-\x2b\x2d-\x7e]{1,64}$/;
/** What no shell reads as anything but text. */
const PLAIN = /^[\w.@+-]+$/;
const LOCAL = /^(localhost|127\.0\.0\.1|\[::1\])$/;

/** Of this page alone (shared/messages/connect-code.ts): the miner that brings it is ours. */
const code = Array.from(
  crypto.getRandomValues(new Uint8Array(16)),
  (byte) => "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"[byte & 31],
).join("");
const watch = signal<ComponentType<{ code: string }> | undefined>(undefined);

async function beginWatch(): Promise<void> {
  const { connectWatch } = await import("./connect-watch.tsx");
  watch.value ??= connectWatch({ h, useEffect, useSignal, get, sentence });
}

const typedName = signal<string | undefined>(undefined);
const rig = signal("rig1");

export function ConnectCard({ connect }: { connect: Connect }) {
  const name = typedName.value ?? user.value?.name ?? "";
  const filled = (command: string): string =>
    // One look at the line: a name may be RIG.
    command.replaceAll(/\b(NAME|RIG)\b/g, (placeholder) =>
      word(placeholder === "NAME" ? name : rig.value, placeholder),
    );
  const Watch = watch.value;
  const by = (...kinds: Command["by"][]): Command[] =>
    connect.commands.filter((command) => kinds.includes(command.by));
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
      <p class="small muted">
        Run the line on the machine that is to mine. It needs nothing but <b>Node 20 or newer</b>: the miner
        comes from this pool.
      </p>
      <div class="line-names">
        <NameField
          label="Your name"
          hint={connect.userName}
          value={name}
          onInput={(text) => {
            typedName.value = text;
          }}
        />
        <NameField
          label="This machine's name"
          value={rig.value}
          onInput={(text) => {
            rig.value = text;
          }}
        />
      </div>
      <Commands commands={by("package")} filled={filled} />
      {Watch && <Watch code={code} />}
      {isOpenToOthers() && (
        <p class="notice small">
          This page came over plain http: who is on the way could put another program in the miner's place.
          Use the line only on a network that you trust, or ask the operator for https.
        </p>
      )}
      <details class="other-ways">
        <summary class="small">From a clone of the project, or with the Go miner</summary>
        <Commands commands={by("clone", "go")} filled={filled} />
      </details>
    </Card>
  );
}

function Commands({
  commands,
  filled,
}: {
  commands: readonly Command[];
  filled: (command: string) => string;
}) {
  return (
    <ul class="commands">
      {commands.map(({ by, title, command, note }) => (
        <li key={title}>
          <b class="small">{title}</b>
          <p class="small muted">{note}</p>
          <CommandLine
            command={by === "go" ? filled(command) : `${filled(command)} --connect ${code}`}
            onCopy={() => void beginWatch()}
          />
        </li>
      ))}
    </ul>
  );
}

interface NameFieldProps {
  label: string;
  value: string;
  hint?: string;
  onInput: (text: string) => void;
}

function NameField({ label, value, hint, onInput }: NameFieldProps) {
  const id = useId();
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <input
        id={id}
        value={value}
        autocomplete="off"
        autocapitalize="off"
        spellcheck={false}
        maxLength={64}
        title={hint}
        onInput={(event) => onInput(event.currentTarget.value.trim())}
      />
    </div>
  );
}

/** As one word of a shell; the placeholder where it is no name. */
function word(name: string, placeholder: string): string {
  if (!NAME.test(name)) return placeholder;
  return PLAIN.test(name) ? name : `'${name.replaceAll("'", "'\\''")}'`;
}

/** On this machine itself nobody is on the way. */
function isOpenToOthers(): boolean {
  return location.protocol === "http:" && !LOCAL.test(location.hostname);
}
