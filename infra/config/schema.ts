/** Every setting once: its section and key in the TOML file, what it may be, its default, and one line of help (docs/spec.md, "Commands and pages"). */

import * as v from "valibot";
import { unitsOf } from "../../shared/decimal.ts";
import { type Setting, secret, setting } from "./setting.ts";
import { STRATUM } from "./stratum-settings.ts";
import {
  addresses,
  duration,
  faAddress,
  feeRateSetting,
  flag,
  origins,
  pause,
  pegSetting,
  percent,
  port,
  smtpUrl,
  text,
  urls,
  webUrl,
  whole,
} from "./values.ts";

export const SETTINGS = {
  app: {
    loglevel: setting(
      v.picklist(
        ["trace", "debug", "info", "warn", "error", "fatal"],
        "expected trace, debug, info, warn, error or fatal",
      ),
      "info",
      "How much is logged",
    ),
    datadir: setting(text, "", "Folder for the journal and the embedded database; empty: ~/.prosper/data"),
    tabledir: setting(
      text,
      "",
      "Folder of the LXR table, shared with other PegNet software; empty: ~/.lxrhash",
    ),
  },
  database: {
    url: secret(
      text,
      "",
      "postgres://user:password@host:port/database; empty: the fields below, or DATABASE_URL",
    ),
    host: setting(text, "", "Empty: an embedded PostgreSQL under app.datadir"),
    port: setting(port, 5432, "Port of database.host"),
    dbname: setting(text, "postgres", "Database on database.host"),
    username: setting(text, "postgres", "User on database.host"),
    password: secret(text, "", "Password on database.host"),
    passwordfile: setting(
      text,
      "",
      "File with the password, in the place of the one above or in the address; read again where PostgreSQL refuses it, so that another password needs no restart",
    ),
  },
  archive: {
    after: setting(
      duration,
      "720h",
      "So long after a block was sealed its deltas move from the database to files (720h: 30 days); 0s: never",
    ),
    folder: setting(
      v.pipe(text, v.regex(/^(?!s3:(?!\/\/[a-z0-9]))/, "expected a folder or s3://BUCKET")),
      "",
      "Folder of these files, or s3://BUCKET/PREFIX (PROSPER_ARCHIVE), with credentials as AWS's own clients find them; empty: `archive` beside the journal",
    ),
    region: setting(text, "us-east-1", "Region of the bucket (AWS_REGION)"),
    endpoint: setting(
      v.pipe(text, v.regex(/^(https?:\/\/.+)?$/, "expected an address like https://s3.example.com")),
      "",
      "Another service that speaks S3; empty: Amazon's",
    ),
  },
  aws: {
    queueurl: setting(
      text,
      "",
      "SQS queue that summaries go to (PROSPER_QUEUE_URL); empty: queue, books, prices and pages are in this process",
    ),
    authfunction: setting(
      text,
      "",
      "Lambda function that judges logins (PROSPER_AUTH_FUNCTION); set it with queueurl",
    ),
    stage: setting(
      text,
      "",
      "Name of the deployment: with it an edge beside such functions writes its figures into its log each minute, as CloudWatch counts them",
    ),
    edgesecret: setting(
      text,
      "",
      "Secret of Secrets Manager with the fields tlsCert and tlsKey: read again while the edge runs, so that a renewed certificate needs no restart",
    ),
    edgesecretevery: setting(duration, "5m", "How often that secret is looked at"),
    databasesecret: setting(
      text,
      "",
      "Secret of Secrets Manager whose field password is the database's: read where PostgreSQL refuses the password in use, so that another one needs no restart",
    ),
    drain: setting(
      duration,
      "60s",
      "Time over which an edge beside such functions closes its miners when it stops",
    ),
  },
  factom: {
    factomdlocation: setting(
      urls,
      "http://localhost:8088/v2",
      "factomd's JSON-RPC address; several, separated by commas: the first that answers is asked, the first of all where it can be",
    ),
  },
  oracle: {
    "1forgekey": secret(
      text,
      "",
      "API keys: a source that needs one and has none is refused when it is turned on",
    ),
    apilayerkey: secret(text, "", ""),
    coincapkey: secret(text, "", ""),
    coingeckokey: secret(text, "", ""),
    coinmarketcapkey: secret(text, "", ""),
    exchangerateskey: secret(text, "", ""),
    openexchangerateskey: secret(text, "", ""),
    devneturl: setting(
      v.pipe(text, v.regex(/^(https?:\/\/.+)?$/, "expected an address like http://127.0.0.1:8089/prices")),
      "",
      "Address of the source devnet: the price feed that `prosper devnet` prints",
    ),
  },
  pegnet: {
    pollingperiod: setting(duration, "2s", "How often factomd is asked for a new block"),
    retryperiod: setting(duration, "5s", "Pause after a failed call"),
    blockperiod: setting(duration, "10m", "Length of a block: rates and deadlines follow it"),
    startheight: setting(whole(0, 0x7fff_ffff), 206_422, "First height to follow on a new database"),
    lxrbits: setting(whole(8, 30), 30, "Size of the LXR table; 30 on the real network"),
    activation: setting(
      whole(-1, 0x7fff_ffff),
      -1,
      "-1: the real network's heights; else all versions are active from this height (a test network)",
    ),
  },
  polling: {
    staleduration: setting(duration, "30m", "A price older than this is not used"),
    rule: setting(
      v.picklist(["priority", "reference"], "expected priority or reference"),
      "priority",
      "Which quote wins inside the band: by priority, or as the Go pool chooses",
    ),
    singlesource: setting(
      v.pipe(
        text,
        v.regex(
          /^(\*|([A-Za-z]{2,5}(\s*,\s*[A-Za-z]{2,5})*)?)$/,
          'expected assets, separated by commas, or "*"',
        ),
        v.transform((list) => list.split(",").flatMap((asset) => asset.trim() || [])),
      ),
      "",
      'Assets that one source is enough for, like "ONT, DGB"; "*": all. For every other two at least have to agree',
    ),
    deviationfiat: setting(
      percent,
      5,
      "A quote further from the sources' median (in percent) is refused: currencies",
    ),
    deviationmetal: setting(percent, 5, "The same for metals"),
    deviationcoin: setting(percent, 15, "The same for coins"),
    jumpfiat: setting(
      percent,
      10,
      "A quote further from the last block's price (in percent) is refused unless two sources saw it: currencies",
    ),
    jumpmetal: setting(percent, 15, "The same for metals"),
    jumpcoin: setting(percent, 40, "The same for coins"),
  },
  pool: {
    esaddress: secret(text, "", "Es… private entry-credit key that pays for our entries"),
    oprcoinbase: setting(
      faAddress,
      "",
      "FA… address that the rewards go to; only records with it count as ours",
    ),
    opridentity: setting(
      v.pipe(text, v.regex(/^[a-zA-Z0-9,]+$/, "expected letters, digits and commas only")),
      "Prosper",
      "Identity written into our records",
    ),
    poolfeerate: setting(feeRateSetting, "0.05", 'Part of each reward that the pool keeps; "-1": none'),
    split: setting(
      v.picklist(["largest-remainder", "reference"], "expected largest-remainder or reference"),
      "largest-remainder",
      "How a reward is split: without dust, or with the Go pool's arithmetic",
    ),
    credit: setting(
      v.picklist(["assigned", "achieved"], "expected assigned or achieved"),
      "assigned",
      "What a share counts: the target it was assigned, or (as in the Go pool) the difficulty it happened to reach, which can be gamed: 1.4 times between equals",
    ),
    registration: setting(
      v.picklist(["invite", "open"], "expected invite or open"),
      "invite",
      "Who may register",
    ),
    twoadministrators: setting(
      flag,
      false,
      "Payouts and adjustments need two people: what one administrator prepares, another confirms on the pages",
    ),
    workersperuser: setting(
      whole(1, 4096),
      4096,
      "Worker names of a user with figures of their own in a block; the rest share one row, and are paid as well",
    ),
    newworkersaday: setting(
      whole(0, 1024),
      16,
      "New worker names that a user gets in 24 hours without its password; further ones share that row until the user confirms them",
    ),
  },
  stratum: STRATUM,
  payout: {
    minimum: setting(
      pegSetting,
      "0",
      'Users who are owed less than so many PEG (in quotes, like "1.5") are paid later',
    ),
    prepareevery: setting(
      duration,
      "0s",
      'A payout is prepared when the last one was prepared so long ago (such as "168h"), and waits for an administrator on the page; 0s: never by itself',
    ),
    pegnetdlocation: setting(
      text,
      "",
      "pegnetd's JSON-RPC address: a payout is then booked when it was executed; empty: when it is in a block",
    ),
  },
  roots: {
    publish: setting(
      v.picklist(["devnet", "on", "off"], "expected devnet, on or off"),
      "devnet",
      "Whether the roots of sealed blocks are written to a Factom chain of the pool's own, paid by esaddress: on, off, or on the devnet of `prosper up` alone",
    ),
    batch: setting(
      whole(1, 40),
      1,
      "Blocks of an entry: four cost one entry credit together, as one alone does",
    ),
  },
  submit: {
    "ema-n": setting(
      whole(1, 100_000),
      36,
      "Blocks in the moving average of the submission threshold (36 = 6 hours)",
    ),
    softmax: setting(whole(0, 1000), 25, "Best shares of a job to submit; 0: no limit"),
    submissioncutoff: setting(
      whole(1, 100_000),
      200,
      "Place of the network for which the threshold is projected",
    ),
  },
  alerts: {
    smtp: secret(
      smtpUrl,
      "",
      "Mail server that sends alerts (PROSPER_SMTP), smtp:// or smtps://; empty: no e-mail",
    ),
    from: setting(text, "", 'Sender of alerts by e-mail: "My pool <pool@example.com>"; set it with smtp'),
    telegramurl: setting(urls, "https://api.telegram.org", "Telegram's Bot API, or a server of yours"),
    privateaddresses: setting(
      flag,
      false,
      "Alerts and the heartbeat may go to plain http and to addresses inside your own network; a pool of `prosper up` has it on",
    ),
    checkevery: setting(
      duration,
      "1m",
      "How often a pool in one process makes the checks of `prosper doctor`, and tells administrators who want it what turned red; 0s: never",
    ),
    heartbeaturl: secret(
      webUrl,
      "",
      "Address of an outside service that is called (GET) while the pool is well, and at its /fail (POST) while it is not (PROSPER_HEARTBEAT): the service tells you when the calls stop; empty: none",
    ),
    heartbeatevery: setting(pause, "1m", "How often it is called"),
  },
  canary: {
    user: setting(
      text,
      "",
      "Account of yours, no administrator's, that a miner of the pool's own logs in as, to measure from outside; what its few shares earn is booked to it. Empty: none",
    ),
    address: setting(
      v.pipe(text, v.regex(/^(\[[0-9a-fA-F:.]+\]|[^\s:/]+):\d{1,5}$|^$/, "expected host:port")),
      "",
      "host:port where it connects, best as miners do from outside; empty: stratum.domain, else this machine",
    ),
    tls: setting(flag, false, "It connects by TLS"),
    every: setting(pause, "5m", "How often it looks"),
    shares: setting(
      whole(0, 100),
      2,
      "Shares that it finds of a block at most; 0: it connects, logs in and waits for a job",
    ),
  },
  web: {
    host: setting(text, "::", "Address to listen on; :: is every one, of IPv4 too"),
    port: setting(port, 7070, "Port to listen on; 0 picks a free one"),
    proxysources: setting(
      addresses,
      "",
      "Proxies in front of the pages whose X-Forwarded-For is believed: addresses or CIDR ranges; empty: nobody's is",
    ),
    corsorigins: setting(
      origins,
      "",
      'Sites whose pages may read the API in a browser ("https://stats.example.org", separated by commas; "*": all): what is public, and with a token what that reads, never by a cookie; empty: none',
    ),
    loginfailures: setting(
      whole(1, 1000),
      5,
      "Wrong passwords of a name from one of its owner's devices, addresses or sessions, or from all others together, that cost no time",
    ),
    loginlockout: setting(duration, "15m", "After them one more is looked at in so long a time"),
    explorer: setting(
      v.pipe(
        text,
        v.regex(/^(https?:\/\/[^\s"<>]*\{hash\}[^\s"<>]*)?$/, "expected an address with {hash} in it"),
      ),
      "",
      "Where pages link an entry of the chain to, such as https://explorer.example.com/entry/{hash}; empty: to its story here",
    ),
  },
} as const satisfies Record<string, Record<string, Setting>>;

/** Sections whose keys are names chosen by the operator. */
export const OPEN_SECTIONS = {
  oracledatasources: {
    schema: whole(-1, 1000),
    help: "Price sources by priority: lower is asked first, -1 is off; no number twice (see `prosper datasources`)",
  },
  oracleassetdatasourcespriority: {
    schema: v.pipe(
      text,
      v.regex(/^[A-Za-z0-9]+(\s*,\s*[A-Za-z0-9]+)*$/, "expected source names, separated by commas"),
    ),
    help: 'Another order for one asset: eur = "Kraken,Coinbase"',
  },
  oraclefixedprices: {
    schema: v.pipe(
      text,
      v.regex(
        /^\d{1,9}(\.\d{1,8})?$/,
        'expected a price in USD with at most 8 decimals, in quotes, like "0.00012"',
      ),
      v.transform(unitsOf),
    ),
    help: 'Your own price in USD for an asset that no source has: fct = "0.01". Without one the last graded block\'s stands',
  },
} as const;

type Sections = typeof SETTINGS;

/** The parsed configuration, section by section. */
export type Config = {
  [Section in keyof Sections]: {
    [Key in keyof Sections[Section]]: Sections[Section][Key] extends Setting<infer Schema>
      ? v.InferOutput<Schema>
      : never;
  };
} & {
  /** Empty: the default order. */
  oracledatasources: Record<string, number>;
  oracleassetdatasourcespriority: Record<string, string>;
  /** In 1e-8 USD. */
  oraclefixedprices: Record<string, bigint>;
};
