/** Reads TOML files; errors name the place, and no message shows a secret. */

import { readFileSync } from "node:fs";
import { parse, TomlError } from "smol-toml";
import { CodedError } from "../../shared/errors.ts";
import { hideSecrets } from "../../shared/hide-secrets.ts";
import { whyUnread } from "../durable-file.ts";

/** Undefined where the file is missing and not `required`. `advice` ends the message of one that cannot be read. Throws CodedError `config`. */
export function readToml(
  file: string,
  { required, advice }: { readonly required: boolean; readonly advice: string },
): Record<string, unknown> | undefined {
  let source: string;
  try {
    source = readFileSync(file, "utf8");
  } catch (error) {
    if (!required && error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw new CodedError("config", `${file}: ${whyUnread(error)}. ${advice}`, { cause: error });
  }
  try {
    return parse(source);
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    // The cause is left out: it quotes the lines around the place, and logging an error logs its cause too.
    throw new CodedError(
      "config",
      hideSecrets(
        `${file}:${error.line}:${error.column}: not valid TOML: ${error.message.split("\n")[0] ?? ""}`,
      ),
    );
  }
}
