/** Makes a request from an API Gateway event: who asks, from which site, with what. A bad one is refused here, before any route runs. */

import type { APIGatewayProxyEventV2 } from "aws-lambda";
import { TOKEN, type WebAccounts } from "../../auth/web-accounts.ts";
import { tokensOf } from "./cookie.ts";
import { type ApiReply, type ApiRequest, type ApiRoute, refused, type WebSession } from "./route.ts";

/** Larger bodies have no use here. */
const MAX_BODY_BYTES = 64 * 1024;

type Passed =
  | { readonly ok: true; readonly request: ApiRequest<unknown, unknown, WebSession | undefined> }
  | { readonly ok: false; readonly reply: ApiReply };

export async function admit(
  event: APIGatewayProxyEventV2,
  route: ApiRoute,
  accounts: WebAccounts,
): Promise<Passed> {
  const isSecure = isHttps(event);
  if (route.method !== "GET" && !isSameOrigin(event))
    return { ok: false, reply: refused("403 cross-origin", "this request came from another site") };
  const body = route.method === "GET" ? { ok: true as const, value: undefined } : readJson(event);
  if (!body.ok) return body;
  return {
    ok: true,
    request: {
      query: queryOf(event),
      body: body.value,
      params: readParams(event),
      session: route.seesSession ? await whoAsks(event, route, accounts) : undefined,
      from: { remoteAddress: event.requestContext.http.sourceIp, device: deviceOf(event, isSecure) },
      visitedHost: event.headers["host"],
      isSecure,
    },
  };
}

/** When a name is repeated, the last value counts. */
export function queryOf(event: APIGatewayProxyEventV2): Record<string, string> {
  return Object.fromEntries(new URLSearchParams(event.rawQueryString));
}

/** Where a token is sent, it alone counts: a script that has lost its right is not to go on by a cookie. */
async function whoAsks(
  event: APIGatewayProxyEventV2,
  route: ApiRoute,
  accounts: WebAccounts,
): Promise<WebSession | undefined> {
  const token = /^Bearer +(\S+)$/i.exec(event.headers["authorization"] ?? "")?.[1];
  if (token === undefined || !route.takesToken)
    return isSameOrigin(event) ? sessionOf(event, isHttps(event), accounts) : undefined;
  const user = await accounts.whoseToken(token);
  return user && { token: "", user };
}

export async function sessionOf(
  event: APIGatewayProxyEventV2,
  isSecure: boolean,
  accounts: WebAccounts,
): Promise<WebSession | undefined> {
  const { session: token } = tokensOf(cookiesOf(event), isSecure);
  const user = token === undefined ? undefined : await accounts.whoIs(token);
  return token === undefined || user === undefined ? undefined : { token, user };
}

/** The device's token; "" when there is none of the form that we give out. */
function deviceOf(event: APIGatewayProxyEventV2, isSecure: boolean): string {
  const { device = "" } = tokensOf(cookiesOf(event), isSecure);
  return TOKEN.test(device) ? device : "";
}

/** AWS lists them; some emulators of it leave them in their header. */
function cookiesOf(event: APIGatewayProxyEventV2): readonly string[] {
  return event.cookies ?? (event.headers["cookie"] ?? "").split(/;\s*/);
}

/** A client that lies here harms only its own cookie. */
export function isHttps(event: APIGatewayProxyEventV2): boolean {
  return event.headers["x-forwarded-proto"] === "https";
}

/** The text of the body; undefined where it is too large. */
export function bodyText(event: APIGatewayProxyEventV2): string | undefined {
  const text = event.body ?? "";
  const decoded = event.isBase64Encoded ? Buffer.from(text, "base64").toString("utf8") : text;
  return Buffer.byteLength(decoded) > MAX_BODY_BYTES ? undefined : decoded;
}

/**
 * Browsers name the site that a request comes from. Beside SameSite=Strict this is the second protection against forged requests.
 * Programs send neither header.
 */
function isSameOrigin(event: APIGatewayProxyEventV2): boolean {
  const { origin, host } = event.headers;
  const site = event.headers["sec-fetch-site"];
  if (site !== undefined && site !== "same-origin" && site !== "none") return false;
  return origin === undefined || origin === `http://${host}` || origin === `https://${host}`;
}

type Json = { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly reply: ApiReply };

function readJson(event: APIGatewayProxyEventV2): Json {
  const text = bodyText(event);
  if (text === undefined)
    return { ok: false, reply: refused("413 too-large", `a body has at most ${MAX_BODY_BYTES} bytes`) };
  if (text === "") return { ok: true, value: undefined };
  // A form of another site cannot send this type without asking first.
  if (!/^application\/json\s*(;|$)/i.test(event.headers["content-type"] ?? ""))
    return { ok: false, reply: refused("415 not-json", "send content-type: application/json") };
  try {
    return { ok: true, value: JSON.parse(text) };
  } catch {
    return { ok: false, reply: refused("400 bad-json", "the body is not JSON") };
  }
}

function readParams(event: APIGatewayProxyEventV2): Record<string, string> {
  const params = Object.entries(event.pathParameters ?? {});
  return Object.fromEntries(params.flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])));
}
