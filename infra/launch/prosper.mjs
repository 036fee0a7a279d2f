#!/usr/bin/env node
// The `prosper` command: brings Node 24 and the packages when they are missing, then starts infra/cli/main.ts.
import { run } from "./bootstrap.mjs";
import { followNpm } from "./follow-npm.mjs";

followNpm();
const args = process.argv.slice(2);
await run("infra/cli/main.ts", args, {
  isService: args.length === 0 || args.includes("up") || args.includes("edge"),
});
