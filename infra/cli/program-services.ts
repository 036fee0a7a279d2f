import type { Command } from "commander";
import type { ProgramParts } from "./program-parts.ts";
export function addServiceCommands(_program: Command, _parts: ProgramParts): void {}
