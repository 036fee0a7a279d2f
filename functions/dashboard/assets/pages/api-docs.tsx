/** The API for people, drawn from its own OpenAPI document. */

import { signal } from "@preact/signals";
import { Card, Loading, PageHead } from "../components/card.tsx";
import { Tag } from "../components/figures.tsx";
import { mount } from "../components/frame.tsx";
import { get } from "../live/api.ts";
import { attempt } from "../live/fresh.ts";

interface Operation {
  readonly summary: string;
  readonly tags: readonly string[];
  readonly security?: unknown;
  readonly parameters?: readonly { readonly name: string }[];
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema: unknown }>> };
  readonly responses: Readonly<
    Record<string, { readonly content: Readonly<Record<string, { readonly schema: { $ref?: string } }>> }>
  >;
}

interface ApiDocument {
  readonly info: { readonly title: string; readonly version: string; readonly description: string };
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, unknown>> };
}

interface Item {
  readonly path: string;
  readonly method: string;
  readonly operation: Operation;
}

const document = signal<ApiDocument | undefined>(undefined);

function ApiPage() {
  const api = document.value;
  if (api === undefined)
    return (
      <>
        <PageHead title="API" />
        <Card title="Routes">
          <Loading />
        </Card>
      </>
    );
  const items = Object.entries(api.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]): Item => ({ path, method, operation })),
  );
  const tags = [...new Set(items.flatMap(({ operation }) => operation.tags))];
  return (
    <>
      <PageHead title={api.info.title} about={api.info.description}>
        <a href="/api/openapi.json">OpenAPI 3.1 document</a>
      </PageHead>
      {tags.map((tag) => (
        <Card key={tag} title={`${tag.charAt(0).toUpperCase()}${tag.slice(1)}`}>
          {items
            .filter(({ operation }) => operation.tags.includes(tag))
            .map((item) => (
              <OperationOf key={`${item.method} ${item.path}`} api={api} item={item} />
            ))}
        </Card>
      ))}
    </>
  );
}

function OperationOf({ api, item: { path, method, operation } }: { api: ApiDocument; item: Item }) {
  const schema = operation.responses["200"]?.content["application/json"]?.schema;
  const name = schema?.$ref?.split("/").at(-1);
  const body = operation.requestBody?.content["application/json"]?.schema;
  return (
    <div class="operation">
      <div class="line">
        <span class="method">{method.toUpperCase()}</span>
        {method === "get" && !path.includes("{") ? (
          <a class="mono" href={path}>
            {path}
          </a>
        ) : (
          <code>{path}</code>
        )}
        <span class="small">{operation.summary}</span>
        {operation.security !== undefined && <Tag>login</Tag>}
      </div>
      {operation.parameters !== undefined && (
        <p class="small muted">
          Parameters:{" "}
          {operation.parameters.map((parameter, i) => [
            i === 0 ? "" : ", ",
            <code key={parameter.name}>{parameter.name}</code>,
          ])}
        </p>
      )}
      {body !== undefined && <Schema title="Body" schema={body} />}
      {name !== undefined && <Schema title={`Answer: ${name}`} schema={api.components.schemas[name]} />}
    </div>
  );
}

function Schema({ title, schema }: { title: string; schema: unknown }) {
  return (
    <details class="small">
      <summary>{title}</summary>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by the keyboard. */}
      <pre tabIndex={0}>{JSON.stringify(schema, null, 2)}</pre>
    </details>
  );
}

mount(ApiPage);
void attempt(async () => {
  document.value = (await get<ApiDocument>("/api/openapi.json")).body;
});
