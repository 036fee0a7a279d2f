/** `prosper completion bash|zsh`: a script for the shell, made from the tree of commands, so that it knows each of them and every flag. */

import type { Command } from "commander";

export const SHELLS = ["bash", "zsh"] as const;
export type Shell = (typeof SHELLS)[number];

/** What may follow at one place of the tree. */
interface Place {
  /** Names from the root, each with a space before it: "" is the root. */
  readonly path: string;
  readonly words: readonly string[];
}

function placesOf(command: Command, path = ""): Place[] {
  const visible = command.createHelp();
  const names = visible.visibleCommands(command).map((sub) => sub.name());
  const flags = visible.visibleOptions(command).map(({ long }) => long ?? "");
  const below = command.commands.flatMap((sub) => placesOf(sub, `${path} ${sub.name()}`));
  return [{ path, words: [...names, ...flags].filter((word) => word !== "") }, ...below];
}

export function completionScript(program: Command, shell: Shell): string {
  const places = placesOf(program);
  const known = places.flatMap(({ path }) => (path === "" ? [] : [`"${path}"`])).join("|");
  const cases = places.map(({ path, words }) => `    "${path}") found="${words.join(" ")}" ;;`).join("\n");
  // The words that lead to a command, whatever flags stand between them.
  const walk = (words: string): string => `for word in "\${${words}}"; do
    case "$place $word" in
      ${known}) place="$place $word" ;;
    esac
  done
  case "$place" in
${cases}
  esac`;
  return shell === "bash" ? bashScript(walk) : zshScript(walk);
}

function bashScript(walk: (words: string) => string): string {
  return `# Completion of prosper for bash: source <(prosper completion bash)
_prosper() {
  local place="" found="" word
  ${walk("COMP_WORDS[@]:1:COMP_CWORD-1")}
  COMPREPLY=($(compgen -W "$found" -- "\${COMP_WORDS[COMP_CWORD]}"))
}
complete -o default -F _prosper prosper
`;
}

function zshScript(walk: (words: string) => string): string {
  return `#compdef prosper
# Completion of prosper for zsh: source <(prosper completion zsh)
_prosper() {
  local place="" found="" word
  ${walk("words[@]:1:$((CURRENT-2))")}
  compadd -- \${=found}
  _files
}
compdef _prosper prosper
`;
}
