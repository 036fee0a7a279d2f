import { createServer } from "node:net";
import { expect, it } from "vitest";
import { freePort } from "../../infra/free-port.ts";

it("a free port can be listened on", async () => {
  const port = await freePort();
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", resolve);
  });

  expect(server.address()).toMatchObject({ port });
  await new Promise((resolve) => server.close(resolve));
});
