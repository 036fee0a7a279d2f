/** Removes keys and passwords from a text for people: a secret may be where none was expected. */

/** Private keys of Factom as text, and other long texts that begin in the same way. */
const PRIVATE_KEY = /\b(Fs|Es)[1-9A-HJ-NP-Za-km-z]{20,}/g;
/** The user's part of an address with a password: `//user:password@`. */
const PASSWORD_IN_URL = /(\/\/[^\s/:@"']*):[^\s/@"']*@/g;

export function hideSecrets(text: string): string {
  return text.replace(PRIVATE_KEY, "$1…").replace(PASSWORD_IN_URL, "$1:…@");
}
