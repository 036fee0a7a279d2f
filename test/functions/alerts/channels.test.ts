/** Telegram, Discord and ntfy against stand-ins that answer as their documentation says; the services themselves are not asked. */

import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { DeliveryOutcome } from "../../../functions/alerts/channels/channel.ts";
import { createChannels } from "../../../functions/alerts/channels/channels.ts";
import type { ChannelKind } from "../../../shared/alerts/kinds.ts";
import {
  type CaughtRequest,
  type HttpAnswer,
  type HttpCatcher,
  startHttpCatcher,
} from "../../support/alert-catchers.ts";
import { CHANNELS } from "../../support/alerts.ts";

let service: HttpCatcher;
beforeAll(async () => {
  service = await startHttpCatcher();
});
beforeEach(() => {
  service.requests.length = 0;
});
afterAll(() => service.stop());

const JSON_TYPE = { "content-type": "application/json" };
const message = {
  title: "Pool: rig `a` offline",
  lines: ["Rig [x](http://evil) @everyone offline.", "You are told this as ann."],
};

function send(
  kind: ChannelKind,
  target: string,
  secret = "",
  lines = message.lines,
): Promise<DeliveryOutcome> {
  const channels = createChannels({ ...CHANNELS, telegram: service.url });
  const delivery = { destination: 1n, user: "ann", target, secret, due: [], nowMs: 0 };
  return channels[kind]({ ...delivery, message: { ...message, lines } });
}

const caught = (): { path: string; body: Record<string, unknown>; headers: CaughtRequest["headers"] } => {
  const [{ path, body, headers } = { path: "", body: "{}", headers: {} }] = service.requests;
  return { path, body: JSON.parse(body), headers };
};

describe("Telegram", () => {
  const TOKEN = "123456:ABC-DEF1234ghIkl-zyx57W2v1u123ew11";
  /** As core.telegram.org/bots/api#making-requests has it. */
  const telegram = ({ path, headers, body }: CaughtRequest): HttpAnswer => {
    const no = (error_code: number, description: string): HttpAnswer => ({
      ...{
        status: error_code,
        headers: JSON_TYPE,
        body: JSON.stringify({ ok: false, error_code, description }),
      },
    });
    if (headers["content-type"] !== "application/json") return no(400, "Bad Request");
    if (path !== `/bot${TOKEN}/sendMessage`) return no(401, "Unauthorized");
    const { chat_id, text } = JSON.parse(body);
    if (typeof chat_id !== "string" || typeof text !== "string" || text === "" || text.length > 4096)
      return no(400, "Bad Request: message text is empty");
    if (chat_id === "404") return no(400, "Bad Request: chat not found");
    return { status: 200, headers: JSON_TYPE, body: JSON.stringify({ ok: true, result: { message_id: 1 } }) };
  };

  it("is sent by the user's own bot to a chat", async () => {
    service.answer(telegram);

    expect(await send("telegram", "-100123", TOKEN)).toEqual({ kind: "delivered" });
    expect(caught().body).toEqual({
      chat_id: "-100123",
      text: [message.title, ...message.lines].join("\n"),
      link_preview_options: { is_disabled: true },
    });
    expect(await send("telegram", "1", TOKEN, ["x".repeat(9000)])).toEqual({ kind: "delivered" });
  });

  it("says what is wrong without the token, and how long to wait", async () => {
    service.answer(telegram);
    expect(await send("telegram", "1", "1:wrong")).toEqual({
      kind: "failed",
      words: "it answered with HTTP 401",
    });
    expect(await send("telegram", "404", TOKEN)).toEqual({
      kind: "failed",
      words: "it answered with HTTP 400",
    });

    const body = {
      ok: false,
      error_code: 429,
      description: "Too Many Requests",
      parameters: { retry_after: 33 },
    };
    service.answer(() => ({ status: 429, headers: JSON_TYPE, body: JSON.stringify(body) }));
    expect(await send("telegram", "1", TOKEN)).toMatchObject({ kind: "failed", afterMs: 33_000 });
  });
});

describe("Discord", () => {
  /** As discord.com/developers/docs/resources/webhook#execute-webhook has it: 204 without a body. */
  const discord = ({ path, body }: CaughtRequest): HttpAnswer => {
    if (path !== "/api/webhooks/11/token")
      return { status: 404, headers: JSON_TYPE, body: '{"message": "Unknown Webhook", "code": 10015}' };
    const { content } = JSON.parse(body);
    const isGood = typeof content === "string" && content !== "" && content.length <= 2000;
    return isGood ? { status: 204 } : { status: 400, headers: JSON_TYPE, body: '{"code": 50035}' };
  };

  it("is posted to a channel's webhook, mentions nobody and takes no markup from a name", async () => {
    service.answer(discord);

    expect(await send("discord", `${service.url}/api/webhooks/11/token`)).toEqual({ kind: "delivered" });
    expect(caught().body).toMatchObject({ allowed_mentions: { parse: [] }, flags: 4 });
    expect(caught().body["content"]).toBe(
      "Pool: rig \\`a\\` offline\nRig \\[x\\]\\(http://evil\\) @everyone offline.\nYou are told this as ann.",
    );
    expect(await send("discord", `${service.url}/api/webhooks/11/token`, "", ["x".repeat(9000)])).toEqual({
      kind: "delivered",
    });
  });

  it("whose webhook was removed is not asked again", async () => {
    service.answer(discord);

    expect(await send("discord", `${service.url}/api/webhooks/12/token`)).toMatchObject({
      kind: "failed",
      forGood: true,
    });
  });

  it("says how long to wait", async () => {
    service.answer(() => ({
      status: 429,
      headers: { ...JSON_TYPE, "retry-after": "65" },
      body: '{"retry_after": 64.57}',
    }));

    expect(await send("discord", `${service.url}/api/webhooks/11/token`)).toMatchObject({ afterMs: 65_000 });
  });
});

describe("ntfy", () => {
  /** As docs.ntfy.sh/publish/#publish-as-json has it. */
  const ntfy = ({ path, headers, body }: CaughtRequest): HttpAnswer => {
    const { topic, message: text, title } = JSON.parse(body);
    if (
      path !== "/" ||
      !/^[-_A-Za-z0-9]{1,64}$/.test(topic) ||
      typeof text !== "string" ||
      typeof title !== "string"
    )
      return { status: 400, headers: JSON_TYPE, body: '{"code": 40024}' };
    if (topic === "mine" && headers.authorization !== "Bearer tk_secret")
      return { status: 403, headers: JSON_TYPE, body: '{"code": 40301}' };
    return { status: 200, headers: JSON_TYPE, body: '{"id": "sPs71M8A2T", "event": "message"}' };
  };

  it("is published to a topic, a protected one with its token", async () => {
    service.answer(ntfy);

    expect(await send("ntfy", `${service.url}/rigs`)).toEqual({ kind: "delivered" });
    expect(caught().body).toEqual({ topic: "rigs", title: message.title, message: message.lines.join("\n") });
    expect(await send("ntfy", `${service.url}/mine`)).toEqual({
      kind: "failed",
      words: "it answered with HTTP 403",
    });
    expect(await send("ntfy", `${service.url}/mine`, "tk_secret")).toEqual({ kind: "delivered" });
  });
});
