import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { PROXY_V2_MAX_BYTES, parseProxyV2 } from "../../../edge/stratum/proxy-v2.ts";
import { proxyHeader, SIGNATURE, v4, v6 } from "../../support/stratum/proxy-header.ts";

const AWS_FIELD = [0xea, Buffer.concat([Buffer.from([1]), Buffer.from("vpce-0123456789abcdef0")])] as const;

describe("parseProxyV2", () => {
  it("reads the client's address of either family, and where the header ends", () => {
    const ipv4 = proxyHeader({ addresses: v4("198.51.100.7") });
    const ipv6 = proxyHeader({ family: 0x21, addresses: v6("20010db8000000000000000000000007") });
    const mapped = proxyHeader({ family: 0x21, addresses: v6("00000000000000000000ffffc6336407") });

    expect(parseProxyV2(Buffer.concat([ipv4, Buffer.from('{"id":1}\n')]))).toEqual({
      kind: "client",
      address: "198.51.100.7",
      length: 28,
    });
    expect(parseProxyV2(ipv6)).toEqual({ kind: "client", address: "2001:db8:0:0:0:0:0:7", length: 52 });
    expect(parseProxyV2(mapped)).toMatchObject({ kind: "client", address: "198.51.100.7" });
  });

  it("skips a balancer's own fields, and checks the checksum among them", () => {
    const header = proxyHeader({ fields: [AWS_FIELD, [0x04, Buffer.alloc(3)]], checksum: true });
    const flipped = Buffer.from(header);
    flipped[16] = (flipped[16] ?? 0) ^ 1;

    expect(parseProxyV2(header)).toEqual({ kind: "client", address: "203.0.113.9", length: header.length });
    expect(parseProxyV2(flipped)).toEqual({ kind: "malformed", reason: "the checksum is wrong" });
  });

  it("takes the connection's own address for a health check and for a client without one", () => {
    const bare = proxyHeader({ command: 0x20, family: 0, addresses: Buffer.alloc(0) });
    const filled = proxyHeader({ command: 0x20, addresses: v4("203.0.113.9") });
    const unspecified = proxyHeader({ family: 0, addresses: Buffer.alloc(0), fields: [AWS_FIELD] });
    const unix = proxyHeader({ family: 0x31, addresses: Buffer.alloc(216) });

    for (const header of [bare, filled, unspecified, unix])
      expect(parseProxyV2(header)).toEqual({ kind: "own", length: header.length });
  });

  it.each<[string, Uint8Array]>([
    ["a line of the stratum dialect", Buffer.from('{"id":1,"method":"mining.subscribe"}\n')],
    ["version 1 of the header", Buffer.from("PROXY TCP4 203.0.113.9 10.0.0.1 12345 1234\r\n")],
    ["a signature with its last byte wrong", Buffer.concat([SIGNATURE.subarray(0, 11), Buffer.from([0x0b])])],
    ["version 3", proxyHeader({ command: 0x31 })],
    ["an unknown command", proxyHeader({ command: 0x22 })],
    ["datagrams", proxyHeader({ family: 0x12 })],
    ["an unknown family", proxyHeader({ family: 0x41 })],
    ["a length shorter than the addresses", proxyHeader({ addresses: Buffer.alloc(11) })],
    ["a length of 64 KB", Buffer.concat([SIGNATURE, Buffer.from([0x21, 0x11, 0xff, 0xff])])],
    [
      "a field that goes beyond the end",
      proxyHeader({ addresses: Buffer.concat([v4("1.2.3.4"), Buffer.from([1, 0, 9])]) }),
    ],
    ["half a field", proxyHeader({ addresses: Buffer.concat([v4("1.2.3.4"), Buffer.from([1])]) })],
    ["a checksum of the wrong size", proxyHeader({ fields: [[0x03, Buffer.alloc(5)]] })],
  ])("refuses %s", (_what, bytes) => {
    expect(parseProxyV2(bytes).kind).toBe("malformed");
  });

  it("asks for more until the header is whole, wherever it is cut", () => {
    const header = proxyHeader({
      family: 0x21,
      addresses: v6(`${"0".repeat(31)}1`),
      fields: [AWS_FIELD],
      checksum: true,
    });

    for (let length = 0; length < header.length; length++)
      expect(parseProxyV2(header.subarray(0, length)), `${length} bytes`).toEqual({ kind: "incomplete" });
    expect(parseProxyV2(header).kind).toBe("client");
  });

  it("never throws, never wants more than its bound, and never ends beyond its bytes", () => {
    const afterSignature = fc
      .uint8Array({ maxLength: 1_200 })
      .map((rest) => Buffer.concat([SIGNATURE, rest]));
    const damaged = fc.tuple(fc.nat({ max: 80 }), fc.integer({ min: 0, max: 255 })).map(([at, value]) => {
      const header = proxyHeader({ fields: [AWS_FIELD], checksum: true });
      header[at % header.length] = value;
      return header;
    });
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 64 }), afterSignature, damaged), (bytes) => {
        const header = parseProxyV2(bytes);
        if (header.kind === "incomplete") expect(bytes.length).toBeLessThan(PROXY_V2_MAX_BYTES);
        if (header.kind === "client" || header.kind === "own")
          expect(header.length).toBeLessThanOrEqual(Math.min(bytes.length, PROXY_V2_MAX_BYTES));
      }),
      { numRuns: 3_000 },
    );
  });
});
