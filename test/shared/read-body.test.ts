import { describe, expect, it } from "vitest";
import { readBody } from "../../shared/read-body.ts";

/** Chunks of one byte each, and how many were asked for. */
function sender(bytes: number) {
  const sent = { chunks: 0, isOver: false };
  async function* send(): AsyncGenerator<Uint8Array> {
    try {
      for (let i = 0; i < bytes; i++) {
        sent.chunks += 1;
        yield Uint8Array.of(i);
      }
    } finally {
      sent.isOver = true;
    }
  }
  return { sent, chunks: send() };
}

describe("a body", () => {
  it("is read whole up to its bound, and empty where there is none", async () => {
    expect(await readBody(sender(3).chunks, { maxBytes: 3 })).toEqual(Buffer.of(0, 1, 2));
    expect(await readBody(null, { maxBytes: 0 })).toEqual(Buffer.of());
  });

  it("beyond its bound is let go at once", async () => {
    const { sent, chunks } = sender(100);

    expect(await readBody(chunks, { maxBytes: 3 })).toBeUndefined();
    expect(sent).toEqual({ chunks: 4, isOver: true });
  });

  it("beyond its bound is read on for its sender's sake up to a second bound", async () => {
    const patient = sender(10);
    const endless = sender(100);

    expect(await readBody(patient.chunks, { maxBytes: 3, drainBytes: 12 })).toBeUndefined();
    expect(await readBody(endless.chunks, { maxBytes: 3, drainBytes: 12 })).toBeUndefined();
    expect([patient.sent.chunks, endless.sent.chunks]).toEqual([10, 13]);
  });
});
