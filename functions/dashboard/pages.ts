/** The dashboard's pages: one empty shell each, filled in the browser by its script from the API. */

import type { APIGatewayProxyEventV2 } from "aws-lambda";
import { encodingFor } from "../api/http/pack.ts";
import { CONTENT_POLICY, errorReply, FILE_HEADERS, type HttpReply, SECURITY_HEADERS } from "../http.ts";
import type { Assets } from "./asset-files.ts";

interface Page {
  readonly path: string;
  readonly title: string;
  /** `pages/NAME.js` fills it. */
  readonly script: string;
  /** Addresses of the API that it asks for first: they are fetched beside its script. */
  readonly data?: readonly string[];
  /** Its visitor may name a server of anybody's that it asks. */
  readonly asksOthers?: boolean;
}

const STYLE = "app.css";

/** The pages of the reference (docs/spec.md, "Commands and pages"), and others that people need. */
export const PAGES: readonly Page[] = [
  {
    path: "/",
    title: "Pool",
    script: "pool",
    data: ["/api/pool", "/api/pool/history", "/api/pool/hashrate"],
  },
  { path: "/me", title: "My page", script: "me", data: ["/api/me"] },
  { path: "/me/earnings", title: "Earnings", script: "earnings", data: ["/api/me/earnings/expected"] },
  { path: "/me/worker", title: "Worker", script: "worker" },
  { path: "/me/verify", title: "Check my blocks", script: "verify", asksOthers: true },
  { path: "/me/alerts", title: "Alerts", script: "alerts", data: ["/api/me/alerts"] },
  { path: "/story/{id}", title: "What became of it", script: "story" },
  { path: "/find", title: "Find my miner", script: "find" },
  { path: "/login", title: "Log in", script: "login" },
  { path: "/login/forgotten", title: "Forgotten password", script: "forgotten" },
  { path: "/register", title: "Register", script: "register", data: ["/api/pool"] },
  { path: "/whoami", title: "Account", script: "account" },
  { path: "/user/owed", title: "Owed", script: "owed" },
  { path: "/pool/rewards", title: "Blocks and rewards", script: "blocks" },
  { path: "/pool/blocks/{height}", title: "Block", script: "block" },
  { path: "/pool/payments", title: "Payments", script: "payments" },
  { path: "/pool/submissions", title: "Submissions", script: "submissions" },
  { path: "/status", title: "Status", script: "status", data: ["/api/status"] },
  { path: "/admin/cockpit", title: "Cockpit", script: "admin-cockpit" },
  { path: "/admin/payday", title: "Payday", script: "admin-payday" },
  { path: "/admin/miners", title: "Miners", script: "admin-miners" },
  { path: "/admin/users", title: "Users", script: "admin-users" },
  { path: "/admin/bars", title: "Bars", script: "admin-bars" },
  { path: "/admin/notices", title: "Notices", script: "admin-notices" },
  { path: "/admin/invites", title: "Invite codes", script: "admin-invites" },
  { path: "/admin/adjustments", title: "Adjustments", script: "admin-adjustments" },
  { path: "/admin/withholding", title: "Withheld hits", script: "admin-withholding" },
  { path: "/api/docs", title: "API", script: "api-docs", data: ["/api/openapi.json"] },
];

const NOT_FOUND: Page = { path: "", title: "Not found", script: "not-found" };

/** The page that checks proofs without a pool, among the files: one that is saved (infra/dashboard/offline.ts). */
export const OFFLINE = "prosper-verify.html";

/** Every script that is a page's own. */
export const SCRIPTS: readonly string[] = [...PAGES, NOT_FOUND].map(({ script }) => script);

/** Asked for by what stands around every page. */
const SESSION = "/api/session";

/** Addresses of the reference that are other pages here. */
const MOVED: Readonly<Record<string, string>> = {
  "/pool": "/",
  "/users": "/me",
  "/auth/login": "/login",
  "/auth/logout": "/whoami",
  "/auth/register": "/register",
  "/admin/links": "/admin/miners",
  "/favicon.ico": "/assets/latest/icon.svg",
};

/** The page in plain text, for clients that do not ask for HTML; undefined where there is none. */
export type TextPage = (event: APIGatewayProxyEventV2, path: string) => Promise<HttpReply | undefined>;

export interface PageRoute {
  readonly method: "GET";
  readonly path: string;
  readonly handler: (event: APIGatewayProxyEventV2) => Promise<HttpReply>;
}

export interface PageOptions {
  readonly poolName: string;
  /** Pages hear what changes on a stream, instead of asking. */
  readonly streams?: boolean;
  /** Where an entry of the chain can be looked at: {hash} stands for its hash. */
  readonly explorer?: string;
}

export function pageRoutes(options: PageOptions, assets: Assets, textPage: TextPage): PageRoute[] {
  return [
    ...PAGES.map((page): PageRoute => {
      const shell = htmlReply(200, shellOf(page, options, assets), page.asksOthers);
      return {
        method: "GET",
        path: page.path,
        handler: async (event) => (wantsHtml(event) ? shell : ((await textPage(event, page.path)) ?? shell)),
      };
    }),
    ...Object.entries(MOVED).map(
      ([path, location]): PageRoute => ({
        method: "GET",
        path,
        handler: async () => ({ statusCode: 303, headers: { ...SECURITY_HEADERS, location }, body: "" }),
      }),
    ),
    { method: "GET", path: "/assets/{proxy+}", handler: async (event) => assetReply(event, assets) },
  ];
}

/** What a browser is shown where nothing is. */
export function notFoundPage(options: PageOptions, assets: Assets): HttpReply {
  return htmlReply(404, shellOf(NOT_FOUND, options, assets));
}

export function wantsHtml(event: APIGatewayProxyEventV2): boolean {
  return (event.headers["accept"] ?? "").includes("text/html");
}

function htmlReply(statusCode: number, body: string, asksOthers = false): HttpReply {
  return {
    statusCode,
    headers: {
      ...SECURITY_HEADERS,
      ...(asksOthers && { "content-security-policy": `${CONTENT_POLICY}; connect-src 'self' http: https:` }),
      "content-type": "text/html; charset=utf-8",
      // The shell names the version of its files, so it must be fresh; it holds nothing private.
      "cache-control": "no-cache",
      vary: "accept",
    },
    body,
  };
}

function shellOf(
  page: Page,
  { poolName, streams = false, explorer = "" }: PageOptions,
  { version, imports }: Assets,
): string {
  const assets = `/assets/${version}`;
  const script = `pages/${page.script}.js`;
  // Everything that is needed is named here, so that one wave of requests fetches it.
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${escapeHtml(page.title)} · ${escapeHtml(poolName)}</title>
<link rel="icon" type="image/svg+xml" href="${assets}/icon.svg">
<link rel="stylesheet" href="${assets}/${STYLE}">
<script type="module" src="${assets}/${script}"></script>
${(imports.get(script) ?? []).map((name) => `<link rel="modulepreload" href="${assets}/${name}">`).join("\n")}
${[SESSION, ...(page.data ?? [])].map((path) => `<link rel="preload" as="fetch" crossorigin href="${path}">`).join("\n")}
</head>
<body data-pool="${escapeHtml(poolName)}" data-live="${streams ? "stream" : "poll"}"${explorer === "" ? "" : ` data-explorer="${escapeHtml(explorer)}"`}>
<div id="app"><noscript><p class="notice">This page needs JavaScript. The same figures as JSON: <a href="/api/pool">/api/pool</a>.</p></noscript></div>
</body>
</html>
`;
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);
}

/** Under the current version a file never changes. Under an older one (from a page left open) it is sent, but browsers may not keep it. */
function assetReply(event: APIGatewayProxyEventV2, assets: Assets): HttpReply {
  const [version, ...rest] = (event.pathParameters?.["proxy"] ?? "").split("/");
  const asset = assets.files.get(rest.join("/"));
  if (asset === undefined) return errorReply(404, "not-found", "there is nothing at this address");
  const encoding = encodingFor(event.headers["accept-encoding"]);
  return {
    statusCode: 200,
    headers: {
      ...(asset.type.startsWith("image/") ? SECURITY_HEADERS : FILE_HEADERS),
      "content-type": asset.type,
      "cache-control": version === assets.version ? "public, max-age=31536000, immutable" : "no-cache",
      etag: asset.etag,
      vary: "accept-encoding",
      ...(encoding !== undefined && { "content-encoding": encoding }),
    },
    ...(encoding === undefined ? { body: asset.text } : { body: asset[encoding], isBase64Encoded: true }),
  };
}
