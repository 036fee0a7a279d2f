/** Where the archive's files are: a folder (folder-store.ts) or a bucket. A file is written once and never changed. */

export interface ArchiveStore {
  /** For messages: a path or an address. */
  readonly place: string;
  /** Resolves when the file survives a crash. A file of that name that is there already is left as it is: the caller reads it back. */
  put(name: string, bytes: Uint8Array): Promise<void>;
  /** Undefined where there is no such file. */
  get(name: string): Promise<Uint8Array | undefined>;
}
