#!/usr/bin/env node
// Runs one of the project's tools (vitest, …) or a .ts file with the project's own Node 24, installing what is missing first.
// Plain JavaScript: this must start on any Node from 20 on, before anything is installed.
import { run } from "./bootstrap.mjs";

const [tool, ...args] = process.argv.slice(2);
await run(tool, args);
