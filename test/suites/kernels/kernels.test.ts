import { execFile, execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import * as v from "valibot";
import { beforeAll, describe, expect, it } from "vitest";
import { crossBuild, KERNEL_TARGETS } from "../../../infra/release/kernels.ts";
import { installZig } from "../../../infra/release/zig.ts";
import { coerceError } from "../../../shared/errors.ts";
import { prebuiltName } from "../../../shared/hash/kernel/prebuilt.ts";
import { readHeader } from "../../support/library-header.ts";
import { isRunnable } from "../../support/optional-suite.ts";
import { temporaryFolder } from "../../support/processes/bench.ts";
import { PROJECT } from "../../support/processes/prosper.ts";
import {
  arm64Node,
  FOREIGN_NODE_MS,
  type ForeignNode,
  muslNode,
  runForeign,
  whyNotArm64,
  whyNotMusl,
} from "./foreign-node.ts";

const SOURCES = join(PROJECT, "shared/hash/kernel");
const installed = await installZig({
  installDir: join(homedir(), ".prosper"),
  env: { PATH: process.env["PATH"] ?? "", HOME: homedir() },
}).catch(coerceError);
const zig = typeof installed === "string" ? installed : "";
const canBuild = isRunnable("test:kernels", typeof installed === "string" ? undefined : installed.message);

const Report = v.object({
  arch: v.string(),
  native: v.object({ kind: v.string(), library: v.optional(v.string()), reason: v.optional(v.string()) }),
  hashes: v.number(),
  wrong: v.array(v.string()),
});

describe.skipIf(!canBuild)("a release's kernels", () => {
  const folder = temporaryFolder();
  const dir = join(folder, "kernels");

  beforeAll(() =>
    crossBuild({
      targets: KERNEL_TARGETS,
      sources: SOURCES,
      dir,
      zig,
      cacheDir: join(folder, "cache"),
      onMade: (file) => void process.stdout.write(`   ${file}\n`),
    }),
  );

  it.each([
    ["linux", "x64", { format: "ELF", needs: [] }],
    ["linux", "arm64", { format: "ELF", needs: [] }],
    ["darwin", "x64", { format: "Mach-O", needs: ["/usr/lib/libSystem.B.dylib"] }],
    ["darwin", "arm64", { format: "Mach-O", needs: ["/usr/lib/libSystem.B.dylib"], isSigned: true }],
    ["win32", "x64", { format: "PE", needs: [] }],
    ["win32", "arm64", { format: "PE", needs: [] }],
  ])(
    "for %s on %s are libraries for it, and need nothing that not every such system has",
    (platform, arch, expected) => {
      const file = readFileSync(join(dir, prebuiltName(platform, arch)));

      expect(readHeader(file)).toMatchObject({ arch, isLibrary: true, ...expected });
      for (const name of ["lxr_hash", "lxr_search", "lxr_fill", "lxr_shuffle"])
        expect(file.includes(name)).toBe(true);
    },
  );

  it("are tested above for every platform that there is one for", () => {
    expect(KERNEL_TARGETS.map(({ platform, arch }) => `${platform} ${arch}`)).toEqual(
      ["linux", "darwin", "win32"].flatMap((platform) => [`${platform} x64`, `${platform} arm64`]),
    );
  });

  it("are the same bytes when somebody else makes them from the same sources, elsewhere", async () => {
    const sources = join(folder, "somewhere/else");
    mkdirSync(sources, { recursive: true });
    cpSync(SOURCES, sources, { recursive: true });
    // One of each format.
    const targets = KERNEL_TARGETS.filter(
      ({ platform, arch }) => (platform === "win32") === (arch === "x64"),
    );
    const again = { targets, sources, dir: join(folder, "again"), zig, cacheDir: join(folder, "cache2") };

    await crossBuild(again);

    expect(targets).toHaveLength(3);
    for (const { platform, arch } of targets) {
      const name = prebuiltName(platform, arch);
      expect(readFileSync(join(again.dir, name)).equals(readFileSync(join(dir, name))), name).toBe(true);
    }
  });

  it("for this machine gives the reference's hashes, without a compiler", async () => {
    const node = { command: process.execPath, args: [], env: {}, app: PROJECT };

    await expectVectors(node, process.arch);
  });

  const noHistory = existsSync(join(PROJECT, ".git")) ? undefined : "it needs this project's history";
  it.skipIf(!isRunnable("test:kernels in an archive", noHistory))(
    "are in the archive of a release, which hashes with them as it is unpacked",
    async () => {
      const made = join(folder, "release");
      await promisify(execFile)(process.execPath, [join(PROJECT, "infra/release/main.ts"), made]);
      const { version } = v.parse(
        v.object({ version: v.string() }),
        JSON.parse(readFileSync(join(PROJECT, "package.json"), "utf8")),
      );
      const kernels = KERNEL_TARGETS.map(({ platform, arch }) => prebuiltName(platform, arch));
      const archive = `prosper-pool-${version}.tar.gz`;
      expect(new Set(readdirSync(made))).toEqual(new Set(["SHA256SUMS", archive, ...kernels]));
      for (const line of readFileSync(join(made, "SHA256SUMS"), "utf8").trimEnd().split("\n")) {
        const [sum, file = ""] = line.split("  ");
        expect(
          createHash("sha256")
            .update(readFileSync(join(made, file)))
            .digest("hex"),
        ).toBe(sum);
      }

      execFileSync("tar", ["-C", folder, "-xzf", join(made, archive)]);
      const app = join(folder, `prosper-pool-${version}`);
      symlinkSync(join(PROJECT, "node_modules"), join(app, "node_modules"));
      const find = `import("./shared/hash/native-kernel.ts").then(async ({ findNative }) =>
        console.log(JSON.stringify([await findNative({ compiler: "no-such-cc" }), await findNative({ setting: "off" })])))`;
      const printed = await runForeign({ command: process.execPath, args: [], env: {}, app }, ["-e", find]);

      expect(JSON.parse(printed)).toEqual([
        {
          kind: "found",
          library: join(app, "shared/hash/kernel/prebuilt", prebuiltName(process.platform, process.arch)),
        },
        { kind: "none", reason: "PROSPER_NATIVE is off" },
      ]);
      expect(new Set(readdirSync(join(app, "shared/hash/kernel/prebuilt")))).toEqual(new Set(kernels));
    },
  );

  it.skipIf(!isRunnable("test:kernels on musl", whyNotMusl()))(
    "for Linux gives them on musl too, by a koffi whose install script was not run",
    async () => expectVectors(await muslNode(join(folder, "musl")), "x64"),
    FOREIGN_NODE_MS,
  );

  it.skipIf(!isRunnable("test:kernels on arm64", whyNotArm64()))(
    "for Linux on arm64 gives them under an emulator, by a koffi whose install script was not run",
    async () => expectVectors(await arm64Node(join(folder, "arm64")), "arm64"),
    FOREIGN_NODE_MS,
  );

  /** Alone and in batches, over four sizes of table made by the kernel itself. */
  async function expectVectors(node: ForeignNode, arch: string): Promise<void> {
    const printed = await runForeign(node, [join(node.app, "test/suites/kernels/vectors-process.ts"), dir]);

    expect(v.parse(Report, JSON.parse(printed))).toEqual({
      arch,
      native: { kind: "found", library: join(dir, prebuiltName(process.platform, arch)) },
      hashes: 4 * 30 * 2,
      wrong: [],
    });
  }
});
