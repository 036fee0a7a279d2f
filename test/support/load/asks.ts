/** What is asked of a large pool: every route of the table, the pages, and what else the handler answers. A new route is asked by itself. */

import * as v from "valibot";
import { exampleOf } from "../../../functions/api/example.ts";
import type { HttpHandler } from "../../../functions/api/handler.ts";
import type { ApiRoute } from "../../../functions/api/http/route.ts";
import { jsonSchema } from "../../../functions/api/json-schema.ts";
import { PAGES } from "../../../functions/dashboard/pages.ts";
import { testClient } from "../http-client.ts";
import type { LargePool } from "./large-pool.ts";
import { ADMINISTRATOR, FARMER } from "./large-seeding.ts";

export const PASSWORD = "a long password";

export interface Ask {
  /** As it is shown. */
  readonly name: string;
  /** Undefined: a visitor. */
  readonly who: string | undefined;
  readonly method: string;
  readonly path: string;
  readonly query: string;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

const HTML = { accept: "text/html" };

/** Logs each of them in; their cookies by name, as a request sends them. */
export async function cookiesOfAll(handler: HttpHandler): Promise<Map<string | undefined, string[]>> {
  const cookies = new Map<string | undefined, string[]>();
  for (const name of [FARMER, ADMINISTRATOR]) {
    const client = testClient(handler);
    await client.send("POST", "/api/session", { body: { name, password: PASSWORD } });
    cookies.set(
      name,
      [...client.cookies].map(([key, value]) => `${key}=${value}`),
    );
  }
  return cookies;
}

export function asksOf(routes: readonly ApiRoute[], pool: LargePool): Ask[] {
  return [...routes.flatMap((route) => routeAsks(route, pool)), ...pageAsks(pool), ...rpcAsks()];
}

function routeAsks(route: ApiRoute, pool: LargePool): Ask[] {
  const people =
    route.access === "admin"
      ? [ADMINISTRATOR]
      : route.access === "user"
        ? [FARMER]
        : route.seesSession
          ? [undefined, FARMER]
          : [undefined];
  const path = route.path.replaceAll(/\{(\w+)\}/g, (_, name: string) => parameter(name, pool));
  const least = queryOf(route, false);
  const most = queryOf(route, true);
  const queries = least === most ? [least] : [least, most];
  const body = bodyOf(route);
  return people.flatMap((who) =>
    queries.map((query) => ({
      ...{ name: `${route.method} ${route.path}${query === "" ? "" : `?${query}`}`, who },
      ...{ method: route.method, path, query, body },
    })),
  );
}

function parameter(name: string, { sealed }: LargePool): string {
  const known: Readonly<Record<string, string>> = {
    ...{ height: `${sealed}`, id: `${sealed}`, code: "K7Q2M4XWRTDABCDE" },
  };
  const value = known[name];
  if (value === undefined)
    throw new Error(`a route has the parameter {${name}}: say in asks.ts what to ask for`);
  return value;
}

/** The largest that each may be, by its name. Others are left out where they may be. */
const LARGEST: Readonly<Record<string, string>> = {
  ...{ limit: "200", search: "rig-1", span: "month", name: "rig-0001", worker: "rig-0001", who: FARMER },
  ...{ format: "json" },
};

/** A worker is named always: none has the empty name. */
function queryOf({ query }: ApiRoute, isFull: boolean): string {
  const given = Object.entries(query).flatMap(([name, schema]): [string, string][] => {
    const mayMiss = v.is(schema, undefined) && name !== "name";
    if (mayMiss && !(isFull && name in LARGEST)) return [];
    return [[name, LARGEST[name] ?? String(exampleOf(jsonSchema(schema)))]];
  });
  return new URLSearchParams(given).toString();
}

/** An example of what it takes, by somebody who knows the password. */
function bodyOf({ body, path }: ApiRoute): unknown {
  if (body.type === "undefined") return undefined;
  const example = exampleOf(jsonSchema(body));
  if (typeof example !== "object" || example === null) return example;
  return {
    ...example,
    ...("password" in example && { password: PASSWORD }),
    ...("user" in example && { user: "user7" }),
    ...(path === "/api/session" && { name: FARMER }),
  };
}

function pageAsks({ sealed }: LargePool): Ask[] {
  const pages = PAGES.flatMap(({ path }): Ask[] => {
    const real = path.replace(/\{\w+\}/, `${sealed}`);
    const who = path.startsWith("/admin") ? ADMINISTRATOR : FARMER;
    return [
      { ...{ name: `page ${path}`, who, method: "GET", path: real, query: "", headers: HTML } },
      { ...{ name: `text ${path}`, who, method: "GET", path: real, query: "" } },
    ];
  });
  return [
    ...pages,
    {
      ...{
        name: "GET /api/openapi.json",
        who: undefined,
        method: "GET",
        path: "/api/openapi.json",
        query: "",
      },
    },
    {
      ...{
        name: "page not found",
        who: undefined,
        method: "GET",
        path: "/nothing",
        query: "",
        headers: HTML,
      },
    },
  ];
}

function rpcAsks(): Ask[] {
  return ["api.Rewards", "api.EntrySubmissions", "api.SubmitSync"].map((method) => ({
    ...{ name: `POST /api/v1 ${method}`, who: undefined, method: "POST", path: "/api/v1", query: "" },
    body: { jsonrpc: "2.0", method, params: { limit: 200 }, id: 1 },
  }));
}
