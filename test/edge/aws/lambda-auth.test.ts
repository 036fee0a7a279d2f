import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { createLambdaAuth, type LambdaAuth } from "../../../edge/aws/lambda-auth.ts";
import type { LoginRequest } from "../../../shared/messages/login.ts";

const REQUEST: LoginRequest = {
  ...{ v: 1, kind: "authorize", user: "ann", password: "secret words", invite: "", address: "" },
};

interface Answer {
  status?: number;
  functionError?: string;
  body: string;
}

describe("auth over a Lambda invoke", () => {
  let service: Server;
  let auth: LambdaAuth;
  let received: { path: string; body: string }[];
  afterEach(async () => {
    auth.close();
    service.closeAllConnections();
    await new Promise((resolve) => service.close(resolve));
  });

  /** `undefined`: it never answers. */
  async function open(answer: Answer | undefined): Promise<void> {
    received = [];
    service = createServer(async (request, response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk);
      received.push({ path: request.url ?? "", body: Buffer.concat(chunks).toString() });
      if (answer === undefined) return;
      const { status = 200, functionError, body } = answer;
      response.writeHead(status, {
        "content-type": "application/json",
        ...(functionError === undefined ? {} : { "x-amz-function-error": functionError }),
        ...(status === 200 ? {} : { "x-amzn-errortype": "TooManyRequestsException" }),
      });
      response.end(body);
    });
    await new Promise<void>((resolve) => service.listen(0, "127.0.0.1", resolve));
    // A listening TCP server has an address of its own.
    const { port } = service.address() as AddressInfo;
    auth = createLambdaAuth({
      ...{ functionName: "prosper-test-auth", region: "us-east-1", endpoint: `http://127.0.0.1:${port}` },
      ...{ credentials: { accessKeyId: "a", secretAccessKey: "b" }, timeoutMs: 150 },
    });
  }

  it("sends the request as the event and gives the verdict", async () => {
    await open({ body: '{"kind":"refused","reason":"wrong password"}' });

    expect(await auth.authorize(REQUEST)).toEqual({ kind: "refused", reason: "wrong password" });
    expect(received).toEqual([
      { path: "/2015-03-31/functions/prosper-test-auth/invocations", body: JSON.stringify(REQUEST) },
    ]);
  });

  it.each<[string, Answer | undefined]>([
    ["never answers", undefined],
    [
      "fails",
      {
        functionError: "Unhandled",
        body: '{"errorType":"CodedError","errorMessage":"no verdict on this login"}',
      },
    ],
    ["fails with words that are no JSON", { functionError: "Unhandled", body: "Task timed out" }],
    ["answers something else", { body: '{"kind":"maybe"}' }],
    ["answers nothing", { body: "" }],
    ["is throttled", { status: 429, body: '{"message":"Rate exceeded"}' }],
    ["is broken", { status: 500, body: "{}" }],
  ])("says auth-away, once and without a word of the password, when the function %s", async (_, answer) => {
    await open(answer);

    const error = await auth.authorize(REQUEST).then(
      () => undefined,
      (thrown: unknown) => thrown,
    );

    expect(error).toMatchObject({ code: "auth-away" });
    expect(String(error)).not.toContain("secret");
    expect(received).toHaveLength(1);
  });
});
