/**
 * Sends less: an answer is compressed where the client can read that, and has an ETag, so that nothing is sent to who has it already.
 * Nothing that a stranger can put into a private answer is compressed beside a secret: tokens are in cookies only (BREACH).
 */

import { createHash } from "node:crypto";
import { promisify } from "node:util";
import { brotliCompress, constants, gzip } from "node:zlib";
import type { APIGatewayProxyEventV2 } from "aws-lambda";
import type { HttpReply } from "../../http.ts";

/** Below, the headers are most of the answer. */
const SMALLEST_BYTES = 512;
/** Of answers that are made once: what more effort saves is less than it costs. */
const BROTLI_QUALITY = 5;
const COMPRESSIBLE = /^(text\/|application\/(json|javascript)|image\/svg)/;
/** What an answer without a body still says (RFC 9110, 15.4.5). */
const OF_UNCHANGED = [
  ...["cache-control", "etag", "vary"],
  ...["access-control-allow-origin", "access-control-expose-headers"],
];

export type Encoding = "br" | "gzip";

/** The encodings in an Accept-Encoding header that are not refused by `q=0`, the better one first. */
export function encodingFor(accepted: string | undefined): Encoding | undefined {
  const taken = (accepted ?? "")
    .split(",")
    .map((item) => item.trim().toLowerCase().split(";"))
    .filter(([, weight = ""]) => !/^\s*q=0(\.0*)?\s*$/.test(weight))
    .map(([name = ""]) => name.trim());
  return (["br", "gzip"] as const).find((encoding) => taken.includes(encoding));
}

/** Weak, because the same text has other bytes in another encoding. */
export function etagOf(text: string): string {
  return `W/"${createHash("sha256").update(text).digest("base64url").slice(0, 22)}"`;
}

export async function pack(event: APIGatewayProxyEventV2, reply: HttpReply): Promise<HttpReply> {
  const named = isNamed(event, reply) ? withHeader(reply, "etag", etagOf(reply.body ?? "")) : reply;
  if (isKnown(event, named)) return unchanged(named);
  const { body = "", isBase64Encoded = false } = named;
  const type = String(named.headers?.["content-type"] ?? "");
  if (isBase64Encoded || body.length < SMALLEST_BYTES || !COMPRESSIBLE.test(type)) return named;
  const varied = withHeader(named, "vary", varyOf(named));
  const encoding = encodingFor(event.headers["accept-encoding"]);
  if (encoding === undefined) return varied;
  const encoded = withHeader(varied, "content-encoding", encoding);
  return { ...encoded, body: (await compress(body, encoding)).toString("base64"), isBase64Encoded: true };
}

function isNamed({ requestContext: { http } }: APIGatewayProxyEventV2, reply: HttpReply): boolean {
  return http.method === "GET" && reply.statusCode === 200 && reply.headers?.["etag"] === undefined;
}

function isKnown(event: APIGatewayProxyEventV2, reply: HttpReply): boolean {
  const etag = reply.headers?.["etag"];
  const known = event.headers["if-none-match"];
  if (reply.statusCode !== 200 || etag === undefined || known === undefined) return false;
  return known.split(",").some((one) => opaque(one) === opaque(String(etag)));
}

/** CloudFront and others make a tag weak when they compress: the mark is not compared. */
const opaque = (etag: string): string => etag.trim().replace(/^W\//, "");

function unchanged(reply: HttpReply): HttpReply {
  const headers = Object.entries(reply.headers ?? {}).filter(([name]) => OF_UNCHANGED.includes(name));
  return { statusCode: 304, headers: Object.fromEntries(headers), body: "" };
}

function varyOf(reply: HttpReply): string {
  const vary = reply.headers?.["vary"];
  return vary === undefined ? "accept-encoding" : `${vary}, accept-encoding`;
}

function withHeader(reply: HttpReply, name: string, value: string): HttpReply {
  return { ...reply, headers: { ...reply.headers, [name]: value } };
}

function compress(text: string, encoding: Encoding): Promise<Buffer> {
  const bytes = Buffer.from(text);
  if (encoding === "gzip") return promisify(gzip)(bytes);
  const params = {
    [constants.BROTLI_PARAM_QUALITY]: BROTLI_QUALITY,
    [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length,
  };
  return promisify(brotliCompress)(bytes, { params });
}
