/** Examples and exit codes: what stands below the flags in the help of every command (test/infra/cli/manual.test.ts runs through them). */

import type { Command } from "commander";

interface Page {
  /** A command line without `npx`, and what it is for. */
  readonly examples: readonly (readonly [line: string, what: string])[];
  /** What exit codes mean, beside those of every command. */
  readonly exits?: Readonly<Record<number, string>>;
}

/** Of every command. A second Ctrl-C, or one where there is only waiting to stop, ends with 130. */
const EXITS = { 0: "done", 1: "refused or failed: standard error says why and what to do" };
const RUNS = { 0: "stopped by Ctrl-C or SIGTERM" };

export const PAGES: Readonly<Record<string, Page>> = {
  up: {
    examples: [
      ["prosper up --block-seconds 5 --miners 2", "short blocks, two local miners"],
      ["prosper up --data-dir ./pool --web-port 8080", "another folder, another port"],
    ],
    exits: RUNS,
  },
  edge: {
    examples: [
      ["prosper edge --config pool.toml", "the pool that the file describes"],
      ["prosper edge --json", "one JSON line when it is ready, then one a block"],
    ],
    exits: RUNS,
  },
  sync: {
    examples: [["prosper sync --data-dir ./chain", "follow the chain for edges elsewhere"]],
    exits: RUNS,
  },
  accountant: { examples: [["prosper accountant", "seal what is ready, until it is stopped"]], exits: RUNS },
  auth: { examples: [["prosper auth --web-port 8080", "only the pages and the API"]], exits: RUNS },
  devnet: {
    examples: [
      ["prosper devnet --port 8088 --feed-port 8089", "a network to run `prosper edge` on"],
      ["prosper devnet --skip 3 --errors 0.2", "every third block is empty, a fifth of the calls fail"],
    ],
    exits: RUNS,
  },
  stratum: { examples: [["prosper stratum --bits 16", "a server to try a miner on"]], exits: RUNS },
  miner: {
    examples: [
      [
        "prosper miner --host pool.example.com:1234 --user ann --worker rig1",
        "mine for a user who is registered",
      ],
      [
        "prosper miner --user ann --worker rig1 --register",
        "register first, on this machine's pool: asks for password, invite code and address",
      ],
    ],
    exits: { 0: "stopped", 1: "the pool refused the login, or a flag is wrong" },
  },
  audit: {
    examples: [
      ["prosper audit", "is every PEG accounted for?"],
      ["prosper audit --replay --json", "make the books a second time; the answer for a program"],
    ],
    exits: { 0: "conserved, or identical", 1: "money is missing or too much, or the replay differs" },
  },
  doctor: {
    examples: [
      ["prosper doctor", "what is wrong, and what mends it"],
      ["prosper doctor --json", "one finding a line, for a monitor"],
    ],
    exits: { 0: "nothing is red", 1: "something is red, or nothing could be looked at" },
  },
  share: {
    examples: [
      ["prosper share 1042", "what became of block 1042, step by step"],
      ["prosper share 9f86d081884c7d65 --json", "of the share with this nonce, for a program"],
    ],
    exits: { 0: "found", 1: "nothing is known of it" },
  },
  backup: {
    examples: [
      ["prosper backup /backup/2027-01-31", "also while the pool runs"],
      ["prosper backup /backup/today --json", "with its hash, for a program that notes it"],
      [
        "prosper backup s3://backups/2027-01-31 --encrypt-to backup-public-0a1b…",
        "into a bucket, for one key alone",
      ],
    ],
  },
  restore: {
    examples: [
      ["prosper restore /backup/2027-01-31 --prove", "can it be? Nothing is changed"],
      ["prosper restore /backup/2027-01-31 --data-dir ./new", "into a new folder"],
      ["prosper restore s3://backups/2027-01-31 --key-file backup.key --prove", "an encrypted one"],
    ],
    exits: { 0: "restored, or proved", 1: "refused, failed, or it does not make the living pool's books" },
  },
  import: {
    examples: [
      ["prosper import --from postgres://prosper@10.0.0.5/postgres --dry-run", "what it would change"],
      ["prosper import --from postgres://prosper@10.0.0.5/postgres", "shows it, asks, and compares after"],
    ],
    exits: { 0: "all of it is here", 2: "somebody was left out, who is named with the reason" },
  },
  bar: {
    examples: [
      ['prosper bar ann --reason "keeps hits back" --for 2d', "its miners go; it can log in and read why"],
      ['prosper bar 203.0.113.0/24 --all --reason "guesses passwords" --yes', "a range, also on the web"],
    ],
  },
  unbar: { examples: [["prosper unbar ann", "it may mine again"]] },
  bars: { examples: [["prosper bars --json", "one bar a line, for a program"]] },
  announce: {
    examples: [['prosper announce "a new fee from Monday on" --for 3d', "on every page and by every miner"]],
  },
  maintenance: {
    examples: [
      [
        'prosper maintenance "a new disk" --in 30min --for 1h',
        "told now, miners stop in half an hour, for an hour",
      ],
      ['prosper maintenance "still the disk" --for 2h --yes', "in the place of what was said before"],
    ],
  },
  notices: {
    examples: [
      ["prosper notices", "what is told, each with its number"],
      ["prosper notices --end", "the maintenance is over before its time"],
    ],
  },
  "db migrate": {
    examples: [
      ["prosper db migrate --dry-run", "what is missing"],
      ["prosper db migrate", "run it"],
    ],
  },
  "db demote": {
    examples: [["prosper db demote ann", "ann is a user again; refused for the last administrator"]],
  },
  "db admin": {
    examples: [
      ["prosper db admin ann", "an administrator, by the password it has"],
      ["prosper db admin ann --reset-password --yes", "with a new password, without being asked"],
    ],
  },
  "db password": { examples: [["prosper db password ann", "after a lost password"]] },
  "db reset-second-factor": { examples: [["prosper db reset-second-factor ann", "after a lost phone"]] },
  "db code": {
    examples: [
      ["prosper db code", "a random one"],
      ["prosper db code friends-2027 --json", "one of one's own, for a program"],
      ["prosper db code --count 5 --for 7d --note 'the club'", "five, good for a week"],
    ],
  },
  "db adjust": {
    examples: [
      ['prosper db adjust ann 12.5 --reason "shares of 3 May"', "owe 12.5 PEG more"],
      ['prosper db adjust ann --reason "paid by hand" --yes -- -3', "owe 3 PEG less"],
    ],
  },
  "db payout": {
    examples: [
      ["prosper db payout", "who is owed what"],
      ["prosper db payout pay.json", "for `prosper payout pay`"],
    ],
  },
  "db record": { examples: [["prosper db record pay.receipt.json", "book what was paid"]] },
  "payout prepare": {
    examples: [["prosper payout prepare pay.json --minimum 10", "who is owed 10 PEG or more"]],
  },
  "payout list": { examples: [["prosper payout list --json", "every payout, for a program"]] },
  "payout show": {
    examples: [
      ["prosper payout show", "the prepared one: why everybody gets as much"],
      ["prosper payout show 9f86d081884c7d65 --json", "another, for a program"],
    ],
  },
  "payout sign": {
    examples: [
      ["prosper payout sign pay.json --key-file fs.key", "on the machine that has the key"],
      [
        "prosper payout sign pay.json --key-file - --pool-key 0a1b…",
        "the first time, the key from standard input",
      ],
    ],
  },
  "payout send": {
    examples: [["prosper payout send pay.signed.json --key-file es.key", "again after any failure"]],
  },
  "payout confirm": {
    examples: [["prosper payout confirm", "all that are on their way"]],
    exits: {
      0: "everything is booked",
      2: "something is still waited for: run it again after the next block",
    },
  },
  "payout pay": {
    examples: [["prosper payout pay pay.json", "show, ask, send, and write pay.receipt.json"]],
  },
  "payout compare": {
    examples: [["prosper payout compare --source FA…", "after a database was restored"]],
    exits: { 0: "the books know everything", 2: "there is what they do not know" },
  },
  "payout book": { examples: [["prosper payout book 9afd01…", "an entry that paid miners"]] },
  "payout disregard": {
    examples: [
      ['prosper payout disregard 9afd01… --reason "moved to cold storage"', "an entry that paid none"],
    ],
  },
  hash: {
    examples: [
      ["prosper hash --bits 16", "hex lines from the keyboard"],
      ["prosper hash --json", "input and hash together"],
    ],
    exits: { 1: "a line is not hex; the hashes of those before it are written" },
  },
  grade: { examples: [["prosper grade 206422.json --json", "who wins the block"]] },
  datasources: {
    examples: [
      ["prosper datasources EUR", "who serves one asset"],
      ["prosper datasources Kraken", "what one source serves"],
    ],
  },
  pullsources: {
    examples: [["prosper pullsources", "ask them all"]],
    exits: { 0: "every source answered", 1: "one did not" },
  },
  verify: {
    examples: [["prosper verify proof.json --pool https://pool.example.com", "was my work counted?"]],
    exits: { 0: "it was", 1: "it was not, or nobody can tell" },
  },
  keys: {
    examples: [
      ["prosper keys", "both pairs on the screen"],
      ["prosper keys --out pool.keys", "secret keys in a file that only you can read"],
      ["prosper keys --backup --out backup.key", "for encrypted backups"],
    ],
  },
  completion: {
    examples: [
      [
        "prosper completion bash > ~/.local/share/bash-completion/completions/prosper",
        "for every later bash",
      ],
      ["prosper completion zsh > ~/.zfunc/_prosper", "where fpath has ~/.zfunc"],
    ],
  },
  config: { examples: [["prosper config pool.toml", "every setting, its default and its help"]] },
};

/** Puts its page below the help of each command. */
export function addManual(program: Command, path: readonly string[] = []): void {
  for (const command of program.commands) {
    const here = [...path, command.name()];
    addManual(command, here);
    const page = PAGES[here.join(" ")];
    if (page !== undefined) command.addHelpText("after", `\n${pageText(page)}`);
  }
}

/** Of what is shown in one line of a terminal beside `npx` and margins. */
const LINE = 90;

function pageText({ examples, exits }: Page): string {
  const width = Math.max(...examples.map(([line]) => line.length));
  const isWide = examples.some(([, what]) => width + what.length > LINE);
  const shown = examples.map(([line, what]) =>
    isWide ? `  npx ${line}\n      ${what}` : `  npx ${line.padEnd(width)}  ${what}`,
  );
  const codes = Object.entries({ ...EXITS, ...exits }).map(([code, what]) => `  ${code}  ${what}`);
  return ["Examples:", ...shown, "", "Exit codes:", ...codes].join("\n");
}
