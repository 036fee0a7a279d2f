/** The files that let a system start the miner by itself: a unit of systemd's on Linux, a launch agent on macOS. */

import { join } from "node:path";
import { CodedError } from "../../../shared/errors.ts";

export interface ServicePlace {
  readonly platform: NodeJS.Platform;
  readonly home: string;
  readonly uid: number;
  /** Of the variable SUDO_USER: who has asked root. */
  readonly sudoUser: string | undefined;
}

/** A program and its arguments. */
export type CommandLine = readonly [string, ...string[]];

export interface ServiceFile {
  readonly path: string;
  readonly text: string;
  readonly start: readonly CommandLine[];
  readonly stop: readonly CommandLine[];
  /** After the file is gone. */
  readonly forget: readonly CommandLine[];
  /** How to look at it, and what else helps. */
  readonly words: string;
}

/** Stands in every file that we write, so that no other is taken away. */
export const MARK = "Written by prosper-miner --install-service; --uninstall-service takes it away.";
const NAME = "prosper-miner";
const LABEL = "org.prosper-pool.miner";

/** Throws CodedError `service` where this system has neither. */
export function serviceFile(
  command: CommandLine,
  { platform, home, uid, sudoUser }: ServicePlace,
  logFile: string,
): ServiceFile {
  if (platform === "linux") {
    if (sudoUser !== undefined && uid === 0)
      throw new CodedError(
        "service",
        "run it without sudo: the service is your own, and needs no rights of root's",
      );
    return uid === 0 ? systemUnit(command) : userUnit(command, home);
  }
  if (platform === "darwin") return launchAgent(command, home, uid, logFile);
  throw new CodedError(
    "service",
    `a service is made on Linux (systemd) and macOS (launchd), not on ${platform}: let its scheduler start ${command.join(" ")}`,
  );
}

function userUnit(command: CommandLine, home: string): ServiceFile {
  return {
    path: join(home, ".config/systemd/user", `${NAME}.service`),
    text: unit(command, "default.target"),
    start: [
      ["systemctl", "--user", "daemon-reload"],
      ["systemctl", "--user", "enable", "--now", NAME],
    ],
    stop: [["systemctl", "--user", "disable", "--now", NAME]],
    forget: [["systemctl", "--user", "daemon-reload"]],
    words: `Its log: journalctl --user -u ${NAME} -f. It runs while you are logged in; also without: loginctl enable-linger`,
  };
}

function systemUnit(command: CommandLine): ServiceFile {
  return {
    path: `/etc/systemd/system/${NAME}.service`,
    text: unit(command, "multi-user.target"),
    start: [
      ["systemctl", "daemon-reload"],
      ["systemctl", "enable", "--now", NAME],
    ],
    stop: [["systemctl", "disable", "--now", NAME]],
    forget: [["systemctl", "daemon-reload"]],
    words: `Its log: journalctl -u ${NAME} -f`,
  };
}

/** It waits for no network: the miner tries again by itself. A pool that refuses the login is asked again each minute. */
function unit(command: CommandLine, wantedBy: string): string {
  return `# ${MARK}
[Unit]
Description=Prosper miner
StartLimitIntervalSec=0

[Service]
Type=exec
ExecStart=${command.map(quoted).join(" ")}
Restart=on-failure
RestartSec=60
TimeoutStopSec=15
# What else this machine does comes first.
Nice=10
NoNewPrivileges=yes

[Install]
WantedBy=${wantedBy}
`;
}

/** As systemd reads a word of a command line. */
function quoted(word: string): string {
  const safe = word.replaceAll(/["\\]/g, "\\$&").replaceAll("%", "%%").replaceAll("$", "$$$$");
  return `"${safe}"`;
}

function launchAgent(command: CommandLine, home: string, uid: number, logFile: string): ServiceFile {
  const path = join(home, "Library/LaunchAgents", `${LABEL}.plist`);
  const strings = command.map((word) => `    <string>${escaped(word)}</string>`).join("\n");
  return {
    path,
    text: `<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<!-- ${MARK.replaceAll("--", "- -")} -->
<plist version="1.0">
<dict>
  <key>Label</key>
  <string>${LABEL}</string>
  <key>ProgramArguments</key>
  <array>
${strings}
  </array>
  <key>RunAtLoad</key>
  <true/>
  <key>KeepAlive</key>
  <dict>
    <key>SuccessfulExit</key>
    <false/>
  </dict>
  <key>ThrottleInterval</key>
  <integer>60</integer>
  <key>Nice</key>
  <integer>10</integer>
  <key>StandardOutPath</key>
  <string>${escaped(logFile)}</string>
  <key>StandardErrorPath</key>
  <string>${escaped(logFile)}</string>
</dict>
</plist>
`,
    start: [["launchctl", "bootstrap", `gui/${uid}`, path]],
    stop: [["launchctl", "bootout", `gui/${uid}/${LABEL}`]],
    forget: [],
    words: `Its log: ${logFile}`,
  };
}

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
