/** What the groups of commands are built with. */

import type { Command } from "commander";
import type { CliContext } from "./context.ts";

export interface ProgramParts {
  /** The context of a command that is running, from the flags of the whole tree. */
  contextOf(command: Command): CliContext;
}
