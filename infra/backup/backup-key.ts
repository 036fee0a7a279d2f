/**
 * The pair of keys of an encrypted backup: the public one is on the pool's machine, the secret one only where backups are restored. X25519 with a key of
 * this backup's own, HKDF-SHA256, AES-256-GCM; all of it Node's.
 */

import {
  createCipheriv,
  createDecipheriv,
  createPrivateKey,
  createPublicKey,
  diffieHellman,
  generateKeyPairSync,
  hkdfSync,
  type KeyObject,
} from "node:crypto";
import { concat, fromHex, toHex } from "../../shared/bytes.ts";
import { CodedError } from "../../shared/errors.ts";

const PUBLIC = "backup-public-";
const SECRET = "backup-secret-";
const TAG_BYTES = 16;

/** Turns a part, by its number, into another text of it, or back. */
export type Cipher = (part: number, bytes: Uint8Array) => Uint8Array;

/** What stands in the open beside an encrypted backup: whose it is, and the public key made for it. Hex. */
export interface Sealed {
  readonly to: string;
  readonly by: string;
}

export function makeBackupKeys(): { readonly publicKey: string; readonly secretKey: string } {
  const { privateKey } = generateKeyPairSync("x25519");
  const { x = "", d = "" } = privateKey.export({ format: "jwk" });
  return { publicKey: PUBLIC + hexOf(x), secretKey: SECRET + hexOf(d) };
}

/** Throws CodedError `backup-key` where the text is no public key. */
export function sealFor(publicKey: string): { readonly sealed: Sealed; readonly seal: Cipher } {
  const to = rawOf(PUBLIC, publicKey, "--encrypt-to");
  const { privateKey, publicKey: own } = generateKeyPairSync("x25519");
  const by = fromHex(hexOf(own.export({ format: "jwk" }).x ?? ""));
  const key = sharedKey(privateKey, publicOf(to), { to, by });
  return {
    sealed: { to: toHex(to), by: toHex(by) },
    seal(part, bytes) {
      const cipher = createCipheriv("aes-256-gcm", key, nonceOf(part));
      return concat(cipher.update(bytes), cipher.final(), cipher.getAuthTag());
    },
  };
}

/** What it returns throws where a part is not what was sealed. Throws CodedError `backup-key` where the key is none, or another. */
export function openWith(secretKey: string, sealed: Sealed): Cipher {
  const [to, by] = [fromHex(sealed.to), fromHex(sealed.by)];
  const secret = privateOf(rawOf(SECRET, secretKey, "--key-file"), to);
  const { x = "" } = createPublicKey(secret).export({ format: "jwk" });
  if (hexOf(x) !== sealed.to)
    throw new CodedError(
      "backup-key",
      `the backup is encrypted to ${PUBLIC}${sealed.to}, and this is another's key`,
    );
  const key = sharedKey(secret, publicOf(by), { to, by });
  return (part, bytes) => {
    const decipher = createDecipheriv("aes-256-gcm", key, nonceOf(part));
    decipher.setAuthTag(bytes.subarray(-TAG_BYTES));
    return concat(decipher.update(bytes.subarray(0, -TAG_BYTES)), decipher.final());
  };
}

/** The first secret key in a file of lines. Throws CodedError `backup-key`, which shows nothing of what was read. */
export function secretIn(text: string): string {
  const found = text.split(/\s+/).find((word) => word.startsWith(SECRET));
  if (found === undefined)
    throw new CodedError("backup-key", `--key-file: expected a line that begins with ${SECRET}`);
  return found;
}

interface Publics {
  readonly to: Uint8Array;
  readonly by: Uint8Array;
}

/** Of this backup alone, so that the number of a part is nonce enough. */
function sharedKey(privateKey: KeyObject, publicKey: KeyObject, { to, by }: Publics): Uint8Array {
  const secret = diffieHellman({ privateKey, publicKey });
  return new Uint8Array(hkdfSync("sha256", secret, concat(by, to), "prosper backup", 32));
}

function nonceOf(part: number): Uint8Array {
  const nonce = Buffer.alloc(12);
  nonce.writeUInt32BE(part, 8);
  return nonce;
}

function rawOf(prefix: string, text: string, from: string): Uint8Array {
  const [, hex] = new RegExp(`^${prefix}([0-9a-f]{64})$`).exec(text) ?? [];
  if (hex === undefined)
    throw new CodedError(
      "backup-key",
      `${from}: expected ${prefix} and 64 hex digits, as \`prosper keys --backup\` makes them`,
    );
  return fromHex(hex);
}

const publicOf = (raw: Uint8Array): KeyObject =>
  createPublicKey({ key: { kty: "OKP", crv: "X25519", x: base64Of(raw) }, format: "jwk" });
/** Node takes a secret key with its public one only, and makes that anew itself. */
const privateOf = (raw: Uint8Array, ofPublic: Uint8Array): KeyObject =>
  createPrivateKey({
    key: { kty: "OKP", crv: "X25519", x: base64Of(ofPublic), d: base64Of(raw) },
    format: "jwk",
  });
const base64Of = (raw: Uint8Array): string => Buffer.from(raw).toString("base64url");
const hexOf = (base64: string): string => Buffer.from(base64, "base64url").toString("hex");
