/**
 * Connections of the web server, limited by address and in all. At a limit, the oldest connection that asks
 * for nothing is closed to make room.
 */

import type { Socket } from "node:net";
import { type AddressRanges, addressKey } from "../../shared/ip-address.ts";

export interface WebConnectionOptions {
  readonly perAddress: number;
  readonly inAll: number;
  /** Addresses of proxies. They speak for many visitors, so they are not counted by address. */
  readonly proxies: AddressRanges;
}

/** A connection that is being answered is never closed for another; one that has not sent a byte goes first. */
export class WebConnections {
  readonly #options: WebConnectionOptions;
  /** By address, oldest first. */
  readonly #open = new Map<string, Set<Socket>>();
  readonly #answering = new Set<Socket>();
  #total = 0;

  constructor(options: WebConnectionOptions) {
    this.#options = options;
  }

  /** Takes the connection, or closes it where nothing else can be closed. */
  enter(socket: Socket): void {
    const address = socket.remoteAddress ?? "";
    const key = addressKey(address);
    const own = this.#open.get(key) ?? new Set();
    const isFull = own.size >= this.#options.perAddress && !this.#options.proxies.has(address);
    if (isFull && !this.#makeRoom(own)) return void socket.destroy();
    if (this.#total >= this.#options.inAll && !this.#makeRoom(this.#largest())) return void socket.destroy();
    own.add(socket);
    this.#open.set(key, own);
    this.#total += 1;
    socket.once("close", () => this.#leave(key, socket));
  }

  /** The connection's request has come whole. It keeps its place until `answered`. */
  answering(socket: Socket): void {
    this.#answering.add(socket);
  }

  answered(socket: Socket): void {
    this.#answering.delete(socket);
  }

  get size(): number {
    return this.#total;
  }

  #leave(key: string, socket: Socket): void {
    this.#answering.delete(socket);
    const own = this.#open.get(key);
    if (own?.delete(socket) !== true) return;
    this.#total -= 1;
    if (own.size === 0) this.#open.delete(key);
  }

  /** The connections of the address that has the most. */
  #largest(): Set<Socket> {
    let largest = new Set<Socket>();
    for (const own of this.#open.values()) if (own.size > largest.size) largest = own;
    return largest;
  }

  /** Closes one of them; false where all are being answered. */
  #makeRoom(sockets: Set<Socket>): boolean {
    let oldest: Socket | undefined;
    for (const socket of sockets) {
      if (this.#answering.has(socket)) continue;
      oldest ??= socket;
      if (socket.bytesRead > 0) continue;
      oldest = socket;
      break;
    }
    if (oldest === undefined) return false;
    // Its place is freed at once, because its end comes later.
    this.#leave(addressKey(oldest.remoteAddress ?? ""), oldest);
    oldest.destroy();
    return true;
  }
}
