/** The certificate of the TLS port, renewed in its secret. */

import { connect as connectTls, type TLSSocket } from "node:tls";
import { expect } from "vitest";
import { RawClient } from "../../../support/raw-client.ts";
import { NEW_CERT, NEW_KEY, TEST_CERT } from "../../../support/stratum/tls.ts";
import { until } from "../../../support/until.ts";
import { type DeployedPool, EDGE_SECRET, secretText } from "../deployed-pool.ts";

export async function renewCertificate(pool: DeployedPool): Promise<void> {
  const { emulator, tlsPort } = pool;
  expect(await certificateOf(tlsPort)).toBe(TEST_CERT);
  const open = new RawClient(await dialTls(tlsPort));
  open.send('{"id":1,"method":"mining.subscribe","params":["test/1"]}\n');
  await open.fence();
  await emulator.json("secretsmanager.PutSecretValue", {
    ...{ SecretId: EDGE_SECRET, SecretString: secretText(NEW_CERT, NEW_KEY) },
    ClientRequestToken: "00000000-0000-0000-0000-000000000002",
  });
  await until("the renewed certificate", async () => (await certificateOf(tlsPort)) === NEW_CERT, {
    everyMs: 200,
  });
  open.take();
  await open.fence();
  open.send('{"id":2,"method":"mining.subscribe","params":["test/1"]}\n');
  await open.fence();
  expect(open.closed).toBe(false);
  expect(open.take().join("")).toContain('"id":2');
  open.destroy();
  pool.step("the secret had another certificate: new connections are shown it, the open one goes on");
}

/** A connection to the port with TLS. */
function dialTls(port: number): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const socket = connectTls({ host: "127.0.0.1", port, rejectUnauthorized: false });
    socket.once("error", reject);
    socket.once("secureConnect", () => resolve(socket));
  });
}

/** As a new connection is shown it. */
async function certificateOf(port: number): Promise<string> {
  const socket = await dialTls(port);
  const shown = socket.getPeerX509Certificate()?.toString() ?? "";
  socket.destroy();
  return shown;
}
