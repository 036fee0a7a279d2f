/** The API for people, drawn from its own OpenAPI document. */

import { get, showTrouble } from "../api.js";
import { card, el, fill, must } from "../dom.js";
import { drawShell } from "../shell.js";

/** @typedef {{ name: string, in: string, schema: Record<string, unknown> }} Parameter */
/**
 * @typedef {object} Operation
 * @property {string} summary
 * @property {string[]} tags
 * @property {unknown} [security]
 * @property {Parameter[]} [parameters]
 * @property {{ content: Record<string, { schema: unknown }> }} [requestBody]
 * @property {Record<string, { content: Record<string, { schema: { $ref?: string } }> }>} responses
 */
/**
 * @typedef {object} Document
 * @property {{ title: string, version: string, description: string }} info
 * @property {Record<string, Record<string, Operation>>} paths
 * @property {{ schemas: Record<string, unknown> }} components
 */

/** @param {Document} api */
function draw(api) {
  const operations = Object.entries(api.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
  );
  const tags = [...new Set(operations.flatMap(({ operation }) => operation.tags))];
  fill(
    must("main"),
    el(
      "div",
      { class: "page-head" },
      el("div", {}, el("h1", {}, api.info.title), el("p", { class: "muted" }, api.info.description)),
      el("a", { href: "/api/openapi.json" }, "OpenAPI 3.1 document"),
    ),
    ...tags.map((tag) =>
      card(
        `${tag.charAt(0).toUpperCase()}${tag.slice(1)}`,
        null,
        ...operations
          .filter(({ operation }) => operation.tags.includes(tag))
          .map((item) => operationOf(api, item)),
      ),
    ),
  );
}

/**
 * @param {Document} api
 * @param {{ path: string, method: string, operation: Operation }} item
 */
function operationOf(api, { path, method, operation }) {
  const schema = operation.responses["200"]?.content["application/json"]?.schema;
  const name = schema?.$ref?.split("/").at(-1);
  const body = operation.requestBody?.content["application/json"]?.schema;
  return el(
    "div",
    { class: "operation" },
    el(
      "div",
      { class: "line" },
      el("span", { class: "method" }, method.toUpperCase()),
      method === "get" && !path.includes("{")
        ? el("a", { class: "mono", href: path }, path)
        : el("code", {}, path),
      el("span", { class: "small" }, operation.summary),
      operation.security === undefined ? null : el("span", { class: "tag" }, "login"),
    ),
    operation.parameters === undefined
      ? null
      : el(
          "p",
          { class: "small muted" },
          "Parameters: ",
          ...operation.parameters.flatMap((parameter, i) => [
            i === 0 ? "" : ", ",
            el("code", {}, parameter.name),
          ]),
        ),
    body === undefined ? null : schemaOf("Body", body),
    name === undefined ? null : schemaOf(`Answer: ${name}`, api.components.schemas[name]),
  );
}

/**
 * @param {string} title
 * @param {unknown} schema
 */
function schemaOf(title, schema) {
  return el(
    "details",
    { class: "small" },
    el("summary", {}, title),
    el("pre", {}, JSON.stringify(schema, null, 2)),
  );
}

void drawShell();
get("/api/openapi.json")
  .then((api) => draw(/** @type {Document} */ (api)))
  .catch(() => showTrouble("The API's description could not be read. Load the page again."));
