/** The service of a miner: what is written, what is run, and that nothing of somebody else's goes. */

import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  installService,
  type ServiceModules,
  uninstallService,
} from "../../../../infra/cli/network/miner-service.ts";
import { readMinerSettings } from "../../../../infra/cli/network/miner-settings.ts";
import { type CommandLine, serviceFile } from "../../../../infra/cli/network/service-files.ts";
import { CodedError } from "../../../../shared/errors.ts";

let home: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "prosper-service-"));
});
afterEach(() => rmSync(home, { recursive: true }));

const SETTINGS = readMinerSettings(
  { url: ["pool.example:1234"], user: "ann", worker: "rig" },
  { PROSPER_MINER_TOKEN: "secret" },
);

function modules(change: Partial<ServiceModules> = {}) {
  const [ran, printed, asked] = [[] as string[], [] as string[], [] as string[]];
  const folder = join(home, "npm-cache");
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "prosper-miner.mjs"), "// the miner\n");
  const made: ServiceModules = {
    place: { platform: "linux", home, uid: 1000, sudoUser: undefined },
    program: { command: ["/usr/bin/node", "prosper-miner.mjs"], folder },
    confirm: async (question) => void asked.push(question),
    run: async (line) => {
      ran.push(line.join(" "));
      return { code: 0, said: "" };
    },
    print: (line) => void printed.push(line),
    ...change,
  };
  return { asked, made, printed: () => printed.join("\n"), ran };
}
const unitPath = (): string => join(home, ".config/systemd/user/prosper-miner.service");
const folderPath = (): string => join(home, ".prosper/miner");

describe("--install-service", () => {
  it("shows all that it would do before it asks, and does nothing where it is declined", async () => {
    const declined = new CodedError("declined", "nothing was changed");
    const { made, printed, ran } = modules({ confirm: () => Promise.reject(declined) });
    await expect(installService(SETTINGS, made)).rejects.toThrow(declined);
    expect(printed()).toContain(
      `ExecStart="/usr/bin/node" "${folderPath()}/program/prosper-miner.mjs" "--settings"`,
    );
    expect(printed()).toContain("systemctl --user enable --now prosper-miner");
    expect([ran, existsSync(unitPath()), existsSync(folderPath())]).toEqual([[], false, false]);
  });

  it("writes program, settings and unit, and starts it; taken away, nothing of it is left", async () => {
    const { made, ran, asked } = modules();
    await installService(SETTINGS, made);
    expect(ran).toEqual(["systemctl --user daemon-reload", "systemctl --user enable --now prosper-miner"]);
    expect(readFileSync(join(folderPath(), "program/prosper-miner.mjs"), "utf8")).toBe("// the miner\n");
    const settings = join(folderPath(), "miner.toml");
    expect(statSync(settings).mode & 0o777).toBe(0o600);
    expect(readMinerSettings({ settings }, {})).toEqual({ ...SETTINGS, plain: true });
    // Again, with other settings: they take the place of the old ones.
    await installService({ ...SETTINGS, threads: 3 }, made);
    expect(readMinerSettings({ settings }, {}).threads).toBe(3);

    await uninstallService(made);
    expect(ran.slice(-2)).toEqual([
      "systemctl --user disable --now prosper-miner",
      "systemctl --user daemon-reload",
    ]);
    expect([existsSync(unitPath()), existsSync(folderPath())]).toEqual([false, false]);
    expect(asked).toEqual(["Install it?", "Install it?", "Take it away?"]);
    await expect(uninstallService(made)).rejects.toThrow(/nothing to take away/);
  });

  it("touches no unit that it has not written", async () => {
    const { made } = modules();
    mkdirSync(dirname(unitPath()), { recursive: true });
    writeFileSync(unitPath(), "[Unit]\n");
    await expect(installService(SETTINGS, made)).rejects.toThrow(/is not ours/);
    await expect(uninstallService(made)).rejects.toThrow(/was not written by this program/);
    expect(readFileSync(unitPath(), "utf8")).toBe("[Unit]\n");
  });

  it("says which command failed, and how", async () => {
    const { made } = modules({ run: async () => ({ code: 1, said: "Failed to connect to bus\n" }) });
    await expect(installService(SETTINGS, made)).rejects.toThrow(
      /systemctl --user daemon-reload ended with 1: Failed to connect to bus/,
    );
  });

  it("is the system's where root asks, and nobody's by sudo or on another system", async () => {
    const command: CommandLine = ["/usr/bin/node"];
    const place = { platform: "linux", home, uid: 0, sudoUser: undefined } as const;
    expect(serviceFile(command, place, "log").path).toBe("/etc/systemd/system/prosper-miner.service");
    expect(() => serviceFile(command, { ...place, sudoUser: "ann" }, "log")).toThrow(/without sudo/);
    expect(() => serviceFile(command, { ...place, platform: "win32" }, "log")).toThrow(/Linux .* macOS/);
  });
});

const NASTY: CommandLine = [process.execPath, `/home/a b/50%/$HOME/"x"\\y`, "--settings", "/tmp/<&>.toml"];
const hasAnalyzer = ((): boolean => {
  try {
    execFileSync("systemd-analyze", ["--version"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
})();

describe("the files", () => {
  it.runIf(hasAnalyzer)("pass systemd's own check, words with spaces and signs too", () => {
    const place = { platform: "linux", home, uid: 0, sudoUser: undefined } as const;
    const path = join(home, "prosper-miner.service");
    writeFileSync(path, serviceFile(NASTY, place, "log").text);
    const said = execFileSync("systemd-analyze", ["verify", "--man=no", path], {
      encoding: "utf8",
      stdio: "pipe",
    });
    expect(said).toBe("");
  });

  it("are property lists that mean what they say, on macOS", () => {
    const place = { platform: "darwin", home, uid: 501, sudoUser: undefined } as const;
    const { path, start, stop, text } = serviceFile(NASTY, place, "/tmp/miner.log");
    expect(path).toBe(join(home, "Library/LaunchAgents/org.prosper-pool.miner.plist"));
    expect([...start, ...stop].map((line) => line.slice(0, 2).join(" "))).toEqual([
      "launchctl bootstrap",
      "launchctl bootout",
    ]);
    const file = join(home, "miner.plist");
    writeFileSync(file, text);
    // Python's standard library reads them as Apple's own does.
    const script = "import plistlib,json,sys; print(json.dumps(plistlib.load(open(sys.argv[1],'rb'))))";
    const read = JSON.parse(execFileSync("python3", ["-c", script, file], { encoding: "utf8" }));
    expect(read).toMatchObject({
      ProgramArguments: [...NASTY],
      RunAtLoad: true,
      KeepAlive: { SuccessfulExit: false },
    });
  });
});
