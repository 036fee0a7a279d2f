import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { createRestoreWatch } from "../../../functions/janitor/restore-point.ts";
import { SILENT } from "../../../shared/logger.ts";
import { manualClock } from "../../support/manual-clock.ts";

const CLUSTER = "arn:aws:rds:us-east-1:000000000000:cluster:prosper-test";
const MINUTE = 60_000;

let server: Server;
let endpoint: string;
let answer: { status: number; body: string };
let asked: { body: string; authorization: string }[];

beforeEach(async () => {
  vi.stubEnv("AWS_ACCESS_KEY_ID", "test");
  vi.stubEnv("AWS_SECRET_ACCESS_KEY", "test");
  asked = [];
  server = createServer(async (request, response) => {
    asked.push({ body: await text(request), authorization: request.headers.authorization ?? "" });
    response.writeHead(answer.status, { "content-type": "text/xml" }).end(answer.body);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  // A listening TCP server has an address of its own.
  endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterEach(() => {
  vi.unstubAllEnvs();
  server.closeAllConnections();
  server.close();
});

/** As RDS answers, as far as it matters. */
function restorable(atMs: number): { status: number; body: string } {
  const time = new Date(atMs).toISOString();
  return {
    status: 200,
    body: `<DescribeDBClustersResponse xmlns="http://rds.amazonaws.com/doc/2014-10-31/"><DescribeDBClustersResult><DBClusters><DBCluster>
      <EarliestRestorableTime>2020-01-01T00:00:00.000Z</EarliestRestorableTime><LatestRestorableTime>${time}</LatestRestorableTime>
      </DBCluster></DBClusters></DescribeDBClustersResult></DescribeDBClustersResponse>`,
  };
}

function setUp() {
  const clock = manualClock();
  const ages: number[] = [];
  const warnings: unknown[] = [];
  const watch = createRestoreWatch(
    { region: "us-east-1", endpoint, cluster: CLUSTER, everyMs: 15 * MINUTE },
    {
      clock,
      logger: { ...SILENT, warn: (_, data) => void warnings.push(data) },
      onAge: (seconds) => void ages.push(seconds),
    },
  );
  return { clock, ages, warnings, watch };
}

describe("the latest time that the database can be restored to", () => {
  it("is asked of the one cluster, at the first run and then each quarter of an hour", async () => {
    const { clock, ages, watch } = setUp();
    answer = restorable(clock.wallMs() - 5 * MINUTE);
    for (let run = 0; run < 15; run++) {
      await watch();
      clock.advance(MINUTE);
    }
    answer = restorable(clock.wallMs() - 61 * MINUTE);
    await watch();

    expect(ages).toEqual([300, 3660]);
    expect(asked).toHaveLength(2);
    expect(Object.fromEntries(new URLSearchParams(asked[0]?.body))).toEqual({
      Action: "DescribeDBClusters",
      Version: "2014-10-31",
      DBClusterIdentifier: CLUSTER,
    });
    expect(asked[0]?.authorization).toContain("/us-east-1/rds/aws4_request");
  });

  it.each([
    [
      403,
      "<ErrorResponse><Error><Code>AccessDenied</Code></Error></ErrorResponse>",
      "rds: AccessDenied (403)",
    ],
    [200, "<DescribeDBClustersResponse/>", "rds: expected a LatestRestorableTime of the cluster, got none"],
  ])("is a gap, for which the alarm rings, where RDS answers %i %s", async (status, body, error) => {
    const { ages, warnings, watch } = setUp();
    answer = { status, body };

    await watch();

    expect(ages).toEqual([]);
    expect(warnings).toEqual([{ error }]);
  });
});
