/** The settings of section `stratum`. */

import * as v from "valibot";
import { setting } from "./setting.ts";
import { addresses, duration, flag, port, text, whole } from "./values.ts";

export const STRATUM = {
  host: setting(text, "::", "Address to listen on; :: is every one, of IPv4 too"),
  domain: setting(
    v.pipe(text, v.regex(/^[A-Za-z0-9.-]{0,253}$/, "expected a name like mine.example.com")),
    "",
    "Name that miners connect by, shown on the pages; the certificate must have it. Empty: the name that the visitor's browser used",
  ),
  stratumport: setting(port, 1234, "Port to listen on; 0 picks a free one"),
  requireauth: setting(flag, true, "Only registered users may mine"),
  validateallshares: setting(flag, true, "Hash every share; false trusts miners (tests only)"),
  welcomemessage: setting(
    v.pipe(text, v.maxLength(500, "expected at most 500 characters")),
    "Welcome to Prosper Pool!",
    "Shown to every miner after login",
  ),
  tlsport: setting(
    port,
    1235,
    "Port for TLS, beside the plain one; it is opened where tlscert and tlskey are set. 0 picks a free one",
  ),
  tlscert: setting(text, "", "PEM file with the certificate chain; read again when it changes"),
  tlskey: setting(text, "", "PEM file with its private key"),
  proxysources: setting(
    addresses,
    "",
    "Balancers that send the PROXY protocol's header, version 2: addresses or CIDR ranges, separated by commas; empty: nobody's header is read",
  ),
  processes: setting(
    whole(1, 64),
    1,
    "Edge processes on this machine, behind one port; more than one where it has cores to spare. Each has the limits below for itself",
  ),
  maxconnections: setting(whole(1, 1_000_000), 10_000, "Connections at most; more are closed at once"),
  maxperaddress: setting(whole(1, 1_000_000), 256, "Connections from one address at most"),
  exemptaddresses: setting(
    addresses,
    "127.0.0.0/8, ::1",
    "Addresses or CIDR ranges that are never counted by address and never sent away: farms",
  ),
  linedeadline: setting(duration, "15s", "A begun line must be whole by then"),
  authorizedeadline: setting(duration, "20s", "A connection must have logged in by then"),
  idletimeout: setting(duration, "10m", "A miner that sends no line for so long is dropped"),
  sharelesstimeout: setting(
    duration,
    "15m",
    "A login without a valid share for so long is dropped while fewer than a tenth of the places are free",
  ),
  heartbeat: setting(duration, "4m", "The target is sent again after so long without a line"),
  maxunsent: setting(
    whole(4096, 100_000_000),
    65_536,
    "Bytes that a miner may leave unread before it is dropped",
  ),
  stucktimeout: setting(
    duration,
    "30s",
    "A miner that takes none of what it was sent for so long is dropped",
  ),
  maxinflight: setting(
    whole(1, 100_000),
    256,
    "Requests of a connection without an answer; more wait unread",
  ),
  linespersecond: setting(whole(1, 1_000_000), 500, "Lines of a connection; more wait unread"),
  lineburst: setting(whole(1, 10_000_000), 2_500, "Lines of a connection that may come at once"),
  usersharespersecond: setting(
    whole(1, 1_000_000),
    2_000,
    "Shares of one user from one address, far above what vardiff asks for; more are refused",
  ),
  malformedlimit: setting(
    whole(1, 1_000_000),
    20,
    "Malformed lines of a connection before it is closed and its address sent away",
  ),
  invalidwindow: setting(
    whole(10, 10_000),
    50,
    "When more than half of so many shares are forged, the session is closed and its worker sent away",
  ),
  banduration: setting(duration, "3m", "How long an address or a worker is sent away"),
  loginfailures: setting(
    whole(1, 1000),
    5,
    "Wrong passwords of a name from one of its owner's addresses, or from all others together, that cost no time (four times as many for all names from an address)",
  ),
  sharehistory: setting(
    duration,
    "24h",
    "How long what became of a share can be asked on the pages, in this process and its edges: their journal files are kept so long; 0s: not at all",
  ),
  sharehistorybytes: setting(
    whole(0, 1_000_000_000_000),
    256 * 1024 * 1024,
    "Bytes of these files of an edge, at most; a share takes some 90",
  ),
  loginlockout: setting(duration, "15m", "After them one more is looked at in so long a time"),
};
