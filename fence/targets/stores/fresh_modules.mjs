// Resolves imports for serve.mjs: what a module `...?schedule=N` imports is evaluated anew, too, where its URL matches.

let fresh;

export async function initialize(pattern) {
  fresh = new RegExp(pattern);
}

export async function resolve(specifier, context, next) {
  const found = await next(specifier, context);
  const [query] = /\?schedule=\d+$/.exec(context.parentURL ?? "") ?? [];
  return query && fresh.test(found.url) ? { ...found, url: found.url + query } : found;
}
