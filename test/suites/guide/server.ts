/**
 * An empty server to follow the guide on: this machine's own system in namespaces of its own (processes, network, mounts), where whatever is written
 * goes to memory and is gone at the end. What the guide does there as root touches nothing of this machine.
 */

import { type ChildProcess, execFile, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { coerceError } from "../../../shared/errors.ts";
import { until } from "../../support/until.ts";

const BEGIN = `set -e
layer=$1
shift
mount -t tmpfs -o size=6g,mode=0755 prosper-guide "$layer"
mkdir "$layer/upper" "$layer/work" "$layer/root"
mount -t overlay overlay -o lowerdir=/,upperdir="$layer/upper",workdir="$layer/work" "$layer/root"
cd "$layer/root"
mount --rbind /dev dev
mount -t proc proc proc
for each in run tmp var/tmp; do mount -t tmpfs -o mode=1777 prosper-guide $each; done
while [ $# -gt 0 ]; do mkdir -p ".$1"; mount --rbind "$2" ".$1"; shift 2; done
ip link set lo up
exec chroot . bash -c 'touch /run/ready; while :; do sleep 3600 & wait; done'
`;
const NAMESPACES = ["--mount", "--net", "--pid", "--uts", "--ipc"];
const HOMES: Readonly<Record<string, string>> = { root: "/root", prosper: "/var/lib/prosper", postgres: "/" };

/** Why there can be no such server here; undefined: there can. */
export function whyNoServer(): string | undefined {
  const folder = mkdtempSync(join(tmpdir(), "prosper-guide-"));
  const layer = `mount -t tmpfs prosper-guide ${folder} && cd ${folder} && mkdir upper work root &&
    mount -t overlay overlay -o lowerdir=/,upperdir=${folder}/upper,workdir=${folder}/work root`;
  try {
    execFileSync("unshare", [...NAMESPACES, "--fork", "sh", "-c", layer], { stdio: "pipe" });
    execFileSync("env", ["-i", "PATH=/usr/local/bin:/usr/bin:/bin", "node", "--version"], { stdio: "pipe" });
    return undefined;
  } catch (error) {
    const said = coerceError(error).message.trim().split("\n").at(-1);
    return `it needs namespaces and an overlay of its own, and node in /usr/bin: ${said}`;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

export interface Result {
  readonly code: number;
  readonly out: string;
  readonly errors: string;
}

export interface Started {
  out(): string;
  readonly ended: Promise<number | null>;
}

export class Server {
  readonly #holder: ChildProcess;
  /** Its first process, as this machine counts. */
  readonly #pid: number;

  /** `shown`: folders that it has of this machine, each by its name there. Throws with what could not be done. */
  static async begin(folder: string, shown: Readonly<Record<string, string>>): Promise<Server> {
    mkdirSync(join(folder, "layer"));
    const script = join(folder, "begin.sh");
    writeFileSync(script, BEGIN);
    const args = [
      ...NAMESPACES,
      "--fork",
      "--kill-child",
      "bash",
      script,
      join(folder, "layer"),
      ...Object.entries(shown).flat(),
    ];
    const holder = spawn("unshare", args, { stdio: ["ignore", "ignore", "pipe"] });
    let said = "";
    holder.stderr.setEncoding("utf8").on("data", (text: string) => {
      said += text;
    });
    return until("the server", async () => {
      if (holder.exitCode !== null) throw new Error(`the server did not begin: ${said}`);
      const list = `/proc/${holder.pid}/task/${holder.pid}/children`;
      const pid = Number(existsSync(list) ? readFileSync(list, "utf8").split(" ")[0] : 0);
      const server = pid > 0 ? new Server(holder, pid) : undefined;
      return (await server?.try("root", "test -e /run/ready"))?.code === 0 && server;
    });
  }

  private constructor(holder: ChildProcess, pid: number) {
    this.#holder = holder;
    this.#pid = pid;
  }

  /** A shell's text, in the user's home and as after a login, until its first command that fails. `input`: on its standard input. */
  try(who: string, text: string, input = ""): Promise<Result> {
    return new Promise((resolve) => {
      const options = { timeout: 180_000, maxBuffer: 64 * 1024 * 1024 };
      const child = execFile("nsenter", this.#enter(who, text), options, (error, out, errors) =>
        resolve({ code: error === null ? 0 : typeof error.code === "number" ? error.code : -1, out, errors }),
      );
      child.stdin?.on("error", () => undefined).end(input);
    });
  }

  /** What it prints. Throws with all that it says where it fails. */
  async run(who: string, text: string, input?: string): Promise<string> {
    const { code, out, errors } = await this.try(who, text, input);
    if (code !== 0) throw new Error(`${who} typed\n${text}\nwhich ended with ${code}: ${out}${errors}`);
    return out;
  }

  /** Goes on until it ends by itself, is told to over there, or the server ends. */
  start(who: string, text: string): Started {
    const child = spawn("nsenter", this.#enter(who, text), { stdio: ["ignore", "pipe", "pipe"] });
    let out = "";
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding("utf8").on("data", (more: string) => {
        out += more;
      });
    return { out: () => out, ended: once(child, "exit").then(([code]) => code) };
  }

  #enter(who: string, text: string): string[] {
    const home = HOMES[who] ?? `/home/${who}`;
    const path = `${home}/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin`;
    const user = who === "root" ? [] : ["setpriv", `--reuid=${who}`, `--regid=${who}`, "--init-groups"];
    return [
      ...[`--target=${this.#pid}`, ...NAMESPACES, "--root"],
      ...[
        ...user,
        "env",
        "--chdir=/",
        "-i",
        `HOME=${home}`,
        `USER=${who}`,
        `PATH=${path}`,
        "bash",
        "-ec",
        `cd\n${text}`,
      ],
    ];
  }

  /** Everything on it ends. */
  async end(): Promise<void> {
    const gone = once(this.#holder, "exit");
    this.#holder.kill("SIGKILL");
    await gone;
  }
}
