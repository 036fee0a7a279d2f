/** A process that runs migrations over a Data API server and may be killed: `node runner.ts ENDPOINT DATABASE FILE TEXT CALL_MS`. */

import { systemClock } from "../../../shared/clock.ts";
import { openDataApi } from "../../../shared/db/drivers/data-api.ts";
import { loadMigrations, migrate } from "../../../shared/db/migrate.ts";
import { sha256Hex } from "../../../shared/sha256.ts";

const [endpoint = "", database = "", name = "", text = "", callMs = ""] = process.argv.slice(2);
const db = openDataApi(
  {
    ...{ endpoint, database, region: "us-east-1", resourceArn: "arn:cluster", secretArn: "arn:secret" },
    credentials: { accessKeyId: "test", secretAccessKey: "test" },
  },
  { clock: systemClock },
);
const long = { version: Number(name.slice(0, 4)), name, text, sha256: sha256Hex(text) };
await migrate(db, [...loadMigrations(), long], { callMs: Number(callMs), pollMs: 100 });
