// Runs in the loader's thread of Node.js 20: see modules.js.
let files = {};

export function initialize(data) {
  files = data;
}

export async function resolve(specifier, context, next) {
  try {
    return await next(specifier, context);
  } catch (e) {
    if (!files[specifier]) throw e;
    return { url: files[specifier], format: 'commonjs', shortCircuit: true };
  }
}
