/** Forms that send JSON and show the result. */

import { useSignal } from "@preact/signals";
import type { ComponentChildren, TargetedSubmitEvent } from "preact";
import { useId, useRef } from "preact/hooks";
import { sentence } from "../format.ts";
import { ApiError, type Method, request } from "../live/api.ts";

export interface Field {
  /** Of the value in the body. */
  readonly name: string;
  readonly label: string;
  readonly hint?: string;
  readonly type?: "text" | "password";
  /** Values to choose from, the first unless another is chosen, each with its words. */
  readonly options?: Readonly<Record<string, string>>;
  readonly autocomplete: string;
  readonly optional?: boolean;
  readonly minlength?: number;
  /** The code of the refusal that asks for this field: hidden until it comes. */
  readonly revealedBy?: string;
}

export const PASSWORD_FIELD: Field = {
  name: "password",
  label: "Current password",
  type: "password",
  autocomplete: "current-password",
};

/** The second factor's code: asked for where the user has one. */
export const CODE_FIELD: Field = {
  name: "code",
  label: "Code",
  hint: "Of your authenticator app, or a recovery code.",
  autocomplete: "one-time-code",
  optional: true,
  revealedBy: "code-needed",
};

interface FormProps<Reply> {
  method: Exclude<Method, "GET">;
  path: string;
  fields: readonly Field[];
  button: string;
  /** What is sent; throws ApiError for what cannot be. */
  bodyOf?: (values: Record<string, string>) => unknown;
  /** Called with the API's answer when it worked; what it returns is shown. */
  done: (reply: Reply) => string | undefined;
  /** Whose password is asked for. */
  user?: string;
  /** Stands beside the button. */
  beside?: ComponentChildren;
}

interface Outcome {
  readonly kind: "good" | "bad";
  readonly text: string;
}

export function Form<Reply = unknown>(props: FormProps<Reply>) {
  const isSending = useSignal(false);
  const outcome = useSignal<Outcome | undefined>(undefined);
  const revealed = useSignal("");
  const form = useRef<HTMLFormElement>(null);
  const send = async (): Promise<void> => {
    const element = form.current;
    if (element === null) return;
    isSending.value = true;
    outcome.value = undefined;
    try {
      const values = valuesOf(element, props.fields);
      const reply = await request<Reply>(props.method, props.path, props.bodyOf?.(values) ?? values);
      element.reset();
      const text = props.done(reply);
      outcome.value = text === undefined ? undefined : { kind: "good", text };
    } catch (error) {
      if (error instanceof ApiError && props.fields.some((field) => field.revealedBy === error.code))
        revealed.value = error.code;
      const text = error instanceof ApiError ? error.message : "this did not work";
      outcome.value = { kind: "bad", text: sentence(text) };
    }
    isSending.value = false;
  };
  const onSubmit = (event: TargetedSubmitEvent<HTMLFormElement>): void => {
    event.preventDefault();
    void send();
  };
  return (
    <form ref={form} onSubmit={onSubmit}>
      {props.user !== undefined && <Whose user={props.user} />}
      {props.fields.map((field) => (
        <Input key={field.name} field={field} revealed={revealed.value} />
      ))}
      <p role="status" class={`small ${outcome.value?.kind ?? ""}`} hidden={outcome.value === undefined}>
        {outcome.value?.text}
      </p>
      <div class="actions">
        <button class="primary" type="submit" disabled={isSending.value}>
          {props.button}
        </button>
        {props.beside}
      </div>
    </form>
  );
}

/** For password managers: tells whose password is asked for by a form without a field for the name. */
function Whose({ user }: { user: string }) {
  return <input type="text" autocomplete="username" value={user} hidden readonly />;
}

function Input({ field, revealed }: { field: Field; revealed: string }) {
  const isAskedFor = field.revealedBy !== undefined && field.revealedBy === revealed;
  const id = useId();
  const hint = `${id}-hint`;
  const attributes = {
    id,
    name: field.name,
    autocomplete: field.autocomplete as AutoFill,
    required: field.optional !== true,
    minlength: field.minlength,
    maxlength: 1024,
    autocapitalize: "none" as const,
    spellcheck: false,
    "aria-describedby": field.hint === undefined ? undefined : hint,
    ref: isAskedFor ? focusOnce : null,
  };
  return (
    <div class="field" hidden={field.revealedBy !== undefined && !isAskedFor}>
      <label htmlFor={id}>{field.label}</label>
      {field.options !== undefined ? (
        <select id={id} name={field.name} aria-describedby={attributes["aria-describedby"]}>
          {Object.entries(field.options).map(([value, words]) => (
            <option key={value} value={value}>
              {words}
            </option>
          ))}
        </select>
      ) : field.type === "password" ? (
        <input type="password" {...attributes} />
      ) : (
        <input type="text" {...attributes} />
      )}
      {field.hint !== undefined && (
        <span id={hint} class="small muted">
          {field.hint}
        </span>
      )}
    </div>
  );
}

function focusOnce(input: HTMLInputElement | null): void {
  input?.focus();
}

function valuesOf(form: HTMLFormElement, fields: readonly Field[]): Record<string, string> {
  const data = new FormData(form);
  return Object.fromEntries(fields.map(({ name }) => [name, String(data.get(name) ?? "")]));
}
