/** Takes keys and passwords out of a text for people: a value may stand where none was expected. */

/** Private keys of Factom as they are written, and whatever is as long and begins so. */
const PRIVATE_KEY = /\b(Fs|Es)[1-9A-HJ-NP-Za-km-z]{20,}/g;
/** The user's part of an address with a password: `//user:password@`. */
const PASSWORD_IN_URL = /(\/\/[^\s/:@"']*):[^\s/@"']*@/g;

export function hideSecrets(text: string): string {
  return text.replace(PRIVATE_KEY, "$1…").replace(PASSWORD_IN_URL, "$1:…@");
}
