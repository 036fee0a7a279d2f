/** A hashing thread that fails before it takes any work. */

throw new Error("a fault on purpose");
