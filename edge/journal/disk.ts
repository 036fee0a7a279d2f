/** The disk port: the few operations that the journal needs. A simulator of it can tear writes, fill the disk and make it fail. */

/** A file that only grows. */
export interface DiskFile {
  /** Appends all of `bytes`. Rejects with CodedError `disk-full` (a part may be in the file) or `disk-failed`. */
  append(bytes: Uint8Array): Promise<void>;
  /** Resolves when everything appended would survive a power cut (fdatasync). */
  sync(): Promise<void>;
  /** Cuts the file back to its first `length` bytes. */
  truncate(length: number): Promise<void>;
  close(): Promise<void>;
}

/** Every operation rejects with CodedError `disk-full` or `disk-failed`. */
export interface Disk {
  /** Makes a folder and those above it; no error when it is there. */
  makeFolder(path: string): Promise<void>;
  /** Names of the files in a folder, sorted. */
  list(folder: string): Promise<string[]>;
  read(path: string): Promise<Uint8Array>;
  /** Opens an empty file to append to; one of this name is emptied. */
  create(path: string): Promise<DiskFile>;
  /** Replaces `to`. An open file keeps its handle. */
  rename(from: string, to: string): Promise<void>;
  remove(path: string): Promise<void>;
  /** Makes creations, renames and removals in this folder survive a power cut. */
  syncFolder(path: string): Promise<void>;
}
