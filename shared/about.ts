/** What a field of something that others read means: it goes into the OpenAPI document, and to who generates a client from it. */

import * as v from "valibot";

/** The field's meaning, and an example of it: a text needs one, other kinds where a made up value would mislead. */
export const about = <Schema extends v.GenericSchema>(
  schema: Schema,
  description: string,
  example?: v.InferInput<Schema>,
) => v.pipe(schema, v.metadata({ description, ...(example === undefined ? {} : { examples: [example] }) }));
