/** Commands that need neither database nor chain: hash, grade, config, datasources, pullsources. */

import { existsSync } from "node:fs";
import { availableParallelism } from "node:os";
import { Argument, type Command } from "commander";
import { systemClock, systemRandom } from "../../../shared/clock.ts";
import { CodedError } from "../../../shared/errors.ts";
import { writeFileDurably } from "../../durable-file.ts";
import type { ProgramParts } from "../context.ts";
import { wholeNumber } from "../numbers.ts";
import { outputOf } from "../output.ts";
import { shutdownSignal } from "../shutdown.ts";
import { completionScript, SHELLS, type Shell } from "./completion.ts";
import type { VerifyOptions } from "./verify.ts";

export function addToolCommands(program: Command, parts: ProgramParts): void {
  program
    .command("hash")
    .description("LXR hashes: hex lines in, hex lines out")
    .option("--bits <n>", "table size, 8 to 30", wholeNumber, 30)
    .option("--json", "one JSON line a hash, with its input")
    .action(async (flags: { bits: number; json?: boolean }, command: Command) => {
      const { hashCommand } = await import("./hash.ts");
      const context = parts.contextOf(command);
      const logger = context.logger();
      const signal = shutdownSignal(logger);
      const { stdin, stdout, stderr } = process;
      const openHasher = (bits: number) =>
        context.openHasher(bits, availableParallelism(), { logger, signal });
      process.exitCode = await hashCommand(flags, { stdin, stdout, stderr, signal, openHasher });
    });

  program
    .command("grade <file>")
    .description("grade a block file: who wins, in which order, and what they are paid")
    .option("--bits <n>", "table size, 8 to 30", wholeNumber, 30)
    .option("--version <n>", "OPR version (default: the file's, else mainnet's at its height)", wholeNumber)
    .option("--json", "one line of JSON")
    .action(
      async (file: string, flags: { bits: number; version?: number; json?: boolean }, command: Command) => {
        const { gradeCommand } = await import("./grade.ts");
        const context = parts.contextOf(command);
        const logger = context.logger();
        const openHasher = (bits: number) => context.openHasher(bits, availableParallelism(), { logger });
        const { stdout, stderr } = process;
        await gradeCommand({ file, ...flags }, { stdout, stderr, openHasher });
      },
    );

  addPriceCommands(program, parts);
  addKeys(program);
  addCompletion(program);

  program
    .command("verify <proof>")
    .description("check, offline, that a worker's shares and work are in a block's published root")
    .option("--root <hex>", "the block's published root")
    .option("--key <hex>", "the pool's public receipt key")
    .option("--pool <url>", "ask the pool's page for both, and for the block's books")
    .option("--factomd <url>", "compare with what the pool wrote to its Factom chain, by any factomd")
    .option("--json", "one line of JSON")
    .action(async (file: string, flags: Omit<VerifyOptions, "file">) => {
      const { verifyCommand } = await import("./verify.ts");
      const print = (line: string): void => void process.stdout.write(`${line}\n`);
      const warn = (line: string): void => void process.stderr.write(`${line}\n`);
      const modules = { clock: systemClock, random: systemRandom, fetch, print, warn };
      process.exitCode = await verifyCommand({ file, ...flags }, modules);
    });

  program
    .command("config <file>")
    .description("write an example configuration with every setting, its default and its help")
    .action(async (file: string, _flags: object, command: Command) => {
      const { exampleConfig } = await import("../../config/example.ts");
      if (existsSync(file))
        throw new CodedError("config", `${file} exists already: name a new file, or move it away`);
      await writeFileDurably(file, exampleConfig());
      outputOf(command).print(`Wrote ${file}`, { event: "written", file });
    });
}

function addKeys(program: Command): void {
  program
    .command("keys")
    .description("make a new pair of keys for payouts (FA, Fs) and one for entry credits (EC, Es)")
    .option(
      "--out <file>",
      "a new file for the secret keys, as --key-file takes it, in place of showing them",
    )
    .option("--backup", "a pair for encrypted backups instead")
    .action(async (flags: { out?: string; backup?: boolean }, command: Command) => {
      const { backupKeysCommand, keysCommand } = await import("./keys.ts");
      if (flags.backup === true) return backupKeysCommand(flags, outputOf(command));
      await keysCommand(flags, { random: systemRandom, ...outputOf(command) });
    });
}

function addCompletion(program: Command): void {
  program
    .command("completion")
    .description("a script that completes commands and flags in a shell")
    .addArgument(new Argument("<shell>", "bash or zsh").choices([...SHELLS]))
    .action((shell: Shell, _flags: object, command: Command) => {
      const script = completionScript(program, shell);
      outputOf(command).print(script.trimEnd(), { event: "completion", shell, script });
    });
}

function addPriceCommands(program: Command, parts: ProgramParts): void {
  program
    .command("datasources [name]")
    .description("which price sources serve which assets, in which order; or one source, or one asset")
    .action(async (name: string | undefined, _flags: object, command: Command) => {
      const { datasourcesCommand } = await import("./datasources.ts");
      const { sourceOrder } = await import("../../pool/pool-settings.ts");
      const order = sourceOrder(parts.contextOf(command).config);
      datasourcesCommand(name === undefined ? { order } : { order, filter: name }, outputOf(command));
    });

  program
    .command("pullsources")
    .description("ask every price source that is on, now")
    .action(async (_flags: object, command: Command) => {
      const { pullsourcesCommand } = await import("./datasources.ts");
      const { sourceOrder } = await import("../../pool/pool-settings.ts");
      const order = sourceOrder(parts.contextOf(command).config);
      const modules = { fetch, clock: systemClock, random: systemRandom, ...outputOf(command) };
      process.exitCode = (await pullsourcesCommand({ order }, modules)) ? 0 : 1;
    });
}
