/** Calls of the emulator's services for which no client is here. It checks no signature, but reads the service's name from it. */

export class EmulatorClient {
  readonly endpoint: string;

  constructor(endpoint: string) {
    this.endpoint = endpoint;
  }

  /** A service that speaks JSON: `target` is like `secretsmanager.CreateSecret`. */
  async json(target: string, body: unknown): Promise<unknown> {
    const headers = { "content-type": "application/x-amz-json-1.1", "x-amz-target": target };
    return JSON.parse(await this.#send("/", { method: "POST", headers, body: JSON.stringify(body) }));
  }

  /** CloudFormation, which answers in XML. */
  cloudFormation(action: string, parameters: Readonly<Record<string, string>>): Promise<string> {
    const headers = {
      authorization:
        "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/cloudformation/aws4_request, SignedHeaders=host, Signature=0",
      "content-type": "application/x-www-form-urlencoded",
    };
    const body = new URLSearchParams({ Action: action, Version: "2010-05-15", ...parameters }).toString();
    return this.#send("/", { method: "POST", headers, body });
  }

  /** Puts a file into a bucket; its address. */
  async put(bucket: string, key: string, body: Uint8Array<ArrayBuffer> | string): Promise<string> {
    await this.#send(`/${bucket}/${key}`, { method: "PUT", body });
    return `${this.endpoint}/${bucket}/${key}`;
  }

  /** The variables of a function. */
  async variablesOf(functionName: string): Promise<unknown> {
    const reply = await this.#send(`/2015-03-31/functions/${functionName}/configuration`, { method: "GET" });
    return JSON.parse(reply).Environment.Variables;
  }

  async #send(path: string, request: RequestInit): Promise<string> {
    const reply = await fetch(`${this.endpoint}${path}`, request);
    const text = await reply.text();
    if (!reply.ok) throw new Error(`${request.method} ${path}: HTTP ${reply.status} ${text.slice(0, 300)}`);
    return text;
  }
}
