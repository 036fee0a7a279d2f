/** A line to be run elsewhere, with a button that copies it. */

import { useSignal } from "@preact/signals";
import { useRef } from "preact/hooks";

const SAID_MS = 1500;

export function CommandLine({ command, onCopy }: { command: string; onCopy?: () => void }) {
  const said = useSignal("Copy");
  const code = useRef<HTMLElement>(null);
  /** Browsers hand out the clipboard over https and on localhost only; elsewhere the line is selected, ready for Ctrl-C. */
  const copy = async (): Promise<void> => {
    const copied = await Promise.resolve(navigator.clipboard?.writeText(command))
      .then(() => navigator.clipboard !== undefined)
      .catch(() => false);
    if (!copied && code.current !== null) getSelection()?.selectAllChildren(code.current);
    said.value = copied ? "Copied" : "Ctrl-C";
    onCopy?.();
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
