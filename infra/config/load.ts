/** From a TOML file and command-line overrides to a checked configuration; every error names its key. */

import * as v from "valibot";
import { CodedError } from "../../shared/errors.ts";
import { hideSecrets } from "../../shared/hide-secrets.ts";
import { nearest } from "./nearest.ts";
import { type Config, OPEN_SECTIONS, SETTINGS } from "./schema.ts";
import { readToml } from "./toml.ts";

/** A value for one key, from a flag or the environment: wins over the file. */
export interface Override {
  section: string;
  key: string;
  value: unknown;
  /** Where it came from, for messages: `--sport`. */
  from: string;
}

/**
 * Reads and checks `file` (missing: defaults only, unless `required`). Keys are case-insensitive, as in the Go pool.
 * Throws CodedError `config` with one line per problem.
 */
export function loadConfig(file: string, options: { required: boolean; overrides?: Override[] }): Config {
  const tree = readTree(file, options.required);
  const problems: string[] = [];
  for (const override of options.overrides ?? []) {
    tree[override.section] = { ...tree[override.section], [override.key]: override.value };
  }
  const origin = (section: string, key: string): string =>
    options.overrides?.find((one) => one.section === section && one.key === key)?.from ??
    `${file}: ${section}.${key}`;
  rejectUnknown(tree, file, problems);
  const config: Record<string, Record<string, unknown>> = {};
  for (const [section, settings] of Object.entries(SETTINGS)) {
    config[section] = {};
    for (const [key, setting] of Object.entries(settings)) {
      const given = tree[section]?.[key] ?? setting.fallback;
      config[section][key] = check(setting, given, origin(section, key), problems);
    }
  }
  for (const [section, { schema }] of Object.entries(OPEN_SECTIONS)) {
    config[section] = {};
    for (const [key, given] of Object.entries(tree[section] ?? {})) {
      config[section][key] = check({ schema, isSecret: false }, given, origin(section, key), problems);
    }
  }
  if (problems.length > 0) throw new CodedError("config", hideSecrets(problems.join("\n")));
  return config as unknown as Config;
}

type Tree = Record<string, Record<string, unknown>>;

function readTree(file: string, required: boolean): Tree {
  const parsed = readToml(file, { required, advice: `\`prosper config ${file}\` writes an example` });
  return parsed === undefined ? {} : lowerCased(parsed, file);
}

function lowerCased(parsed: Record<string, unknown>, file: string): Tree {
  const tree: Tree = {};
  for (const [section, body] of Object.entries(parsed)) {
    if (typeof body !== "object" || body === null || Array.isArray(body)) {
      throw new CodedError(
        "config",
        hideSecrets(`${file}: ${section} stands outside a section: expected it below a line like [pool]`),
      );
    }
    const lower = Object.entries(body).map(([key, value]): [string, unknown] => [key.toLowerCase(), value]);
    tree[section.toLowerCase()] = Object.fromEntries(lower);
  }
  return tree;
}

function rejectUnknown(tree: Tree, file: string, problems: string[]): void {
  const known: Record<string, Record<string, unknown> | undefined> = SETTINGS;
  for (const [section, body] of Object.entries(tree)) {
    if (section in OPEN_SECTIONS) continue;
    const settings = known[section];
    if (settings === undefined) {
      problems.push(
        `${file}: [${section}] is not a section. ${nearest(section, [...Object.keys(SETTINGS), ...Object.keys(OPEN_SECTIONS)])}`,
      );
      continue;
    }
    for (const key of Object.keys(body)) {
      if (!(key in settings))
        problems.push(`${file}: ${section}.${key} is not a setting. ${nearest(key, Object.keys(settings))}`);
    }
  }
}

function check(
  { schema, isSecret }: { schema: v.GenericSchema; isSecret: boolean },
  given: unknown,
  where: string,
  problems: string[],
): unknown {
  const parsed = v.safeParse(schema, given);
  if (parsed.success) return parsed.output;
  const got = isSecret ? "" : ` = ${JSON.stringify(given)}`;
  problems.push(`${where}${got}: ${parsed.issues[0].message}`);
  return undefined;
}
