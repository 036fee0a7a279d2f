/** Whether a path is one of those that a route answers: `{name}` in the route's stands for any one part. */
export function isPathOf(route: string, path: string): boolean {
  const [wanted, given] = [route.split("/"), path.split("/")];
  return (
    wanted.length === given.length &&
    wanted.every((part, i) => part === given[i] || (/^\{\w+\}$/.test(part) && given[i] !== ""))
  );
}
