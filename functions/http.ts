/** What every answer over HTTP has: security headers, and JSON or text in the shape of an API Gateway reply. */

import type { APIGatewayProxyStructuredResultV2 } from "aws-lambda";

export type HttpReply = APIGatewayProxyStructuredResultV2;

/** No inline script or style anywhere, nothing from elsewhere, no framing. */
export const CONTENT_POLICY =
  "default-src 'self'; base-uri 'none'; object-src 'none'; form-action 'self'; frame-ancestors 'none'";

export const SECURITY_HEADERS: Readonly<Record<string, string>> = {
  "content-security-policy": CONTENT_POLICY,
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
  "referrer-policy": "no-referrer",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=()",
};

/** Of what is no document of its own, a script or a style: the others say nothing about it. */
export const FILE_HEADERS: Readonly<Record<string, string>> = {
  "x-content-type-options": "nosniff",
  "cross-origin-resource-policy": "same-origin",
};

/** `body` is JSON text. No cache may keep it: most answers are private to one user. */
export function jsonReply(statusCode: number, body: string, cookies: readonly string[] = []): HttpReply {
  return {
    statusCode,
    headers: {
      ...SECURITY_HEADERS,
      "content-type": "application/json; charset=utf-8",
      "cache-control": "private, no-store",
    },
    body,
    ...(cookies.length === 0 ? {} : { cookies: [...cookies] }),
  };
}

export function textReply(statusCode: number, body: string): HttpReply {
  return {
    statusCode,
    headers: {
      ...SECURITY_HEADERS,
      "content-type": "text/plain; charset=utf-8",
      "cache-control": "no-store",
    },
    body,
  };
}

/** `code` is stable, for programs; `message` is for people. */
export function errorReply(statusCode: number, code: string, message: string): HttpReply {
  return jsonReply(statusCode, JSON.stringify({ error: { code, message } }));
}
