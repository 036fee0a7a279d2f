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
  const choices = command.registeredArguments.flatMap(({ argChoices }) => argChoices ?? []);
  const below = command.commands.flatMap((sub) => placesOf(sub, `${path} ${sub.name()}`));
  return [{ path, words: [...names, ...choices, ...flags].filter((word) => word !== "") }, ...below];
}

/** The flags that a value must follow. */
function valuedFlags(command: Command): string[] {
  const own = command.options.filter(({ required }) => required);
  const names = own.flatMap(({ short, long }) => [short, long].filter((name) => name !== undefined));
  return [...new Set([...names, ...command.commands.flatMap(valuedFlags)])];
}

export function completionScript(program: Command, shell: Shell): string {
  const places = placesOf(program);
  const known = places.flatMap(({ path }) => (path === "" ? [] : [`"${path}"`])).join("|");
  const cases = places.map(({ path, words }) => `    "${path}") found="${words.join(" ")}" ;;`).join("\n");
  // The words that lead to a command, whatever flags stand between them. A flag's value is a file, or nothing that is known.
  const walk = ({ words, last, files }: Shapes): string => `case "\${${last}}" in
    ${valuedFlags(program).join("|")}) ${files} ;;
  esac
  for word in "\${${words}}"; do
    case "$place $word" in
      ${known}) place="$place $word" ;;
    esac
  done
  case "$place" in
${cases}
  esac`;
  return shell === "bash" ? bashScript(walk) : zshScript(walk);
}

/** A shell's own ways. */
interface Shapes {
  /** The words between the program and the one that is being typed. */
  readonly words: string;
  /** The word before the one that is being typed. */
  readonly last: string;
  /** Offers files and nothing else. */
  readonly files: string;
}

function bashScript(walk: (shapes: Shapes) => string): string {
  return `# Completion of prosper for bash: source <(prosper completion bash)
_prosper() {
  local place="" found="" word
  ${walk({ words: "COMP_WORDS[@]:1:COMP_CWORD-1", last: "COMP_WORDS[COMP_CWORD-1]", files: "COMPREPLY=(); return" })}
  COMPREPLY=($(compgen -W "$found" -- "\${COMP_WORDS[COMP_CWORD]}"))
}
complete -o default -F _prosper prosper
`;
}

function zshScript(walk: (shapes: Shapes) => string): string {
  return `#compdef prosper
# Completion of prosper for zsh: source <(prosper completion zsh)
_prosper() {
  local place="" found="" word
  ${walk({ words: "words[@]:1:$((CURRENT-2))", last: "words[CURRENT-1]", files: "_files; return" })}
  compadd -- \${=found} || _files
}
compdef _prosper prosper
`;
}
