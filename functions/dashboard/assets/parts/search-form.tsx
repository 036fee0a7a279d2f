/** One line to search by. */

interface SearchFormProps {
  /** What can be searched for. */
  label: string;
  value: string;
  search: (text: string) => void;
}

export function SearchForm({ label, value, search }: SearchFormProps) {
  return (
    <search>
      <form
        class="find"
        onSubmit={(event) => {
          event.preventDefault();
          search(String(new FormData(event.currentTarget).get("search") ?? "").trim());
        }}
      >
        <input
          type="search"
          name="search"
          aria-label={label}
          placeholder={label}
          autocomplete="off"
          spellcheck={false}
          maxLength={254}
          defaultValue={value}
        />
        <button type="submit">Find</button>
      </form>
    </search>
  );
}
