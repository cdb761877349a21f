'use strict';
// Finds and loads the handler: "file.function", "folder/file.function", "file.object.function"; CommonJS or ES module.

const fs = require('fs');
const path = require('path');
const { pathToFileURL } = require('url');

async function load(name, root) {
  const match = /^([^.]*)\.(.+)$/.exec(path.basename(name));
  if (!match || !match[1]) throw new Error(`The handler "${name}" is not of the form file.function`);
  const module = await loadModule(path.join(path.dirname(name), match[1]), root);
  let found = module;
  for (const part of match[2].split('.')) found = found === undefined || found === null ? undefined : found[part];
  // "export default { handler }" and what CommonJS looks like from an ES module.
  if (found === undefined && module && module.default) found = module.default[match[2]];
  if (found === undefined) throw new Error(`${path.join(path.dirname(name), match[1])} exports no ${match[2]}`);
  if (typeof found !== 'function') throw new Error(`${match[2]} of ${match[1]} is not a function`);
  return found;
}

async function loadModule(name, root) {
  const base = path.resolve(root, name);
  for (const ending of ['', '.js', '.mjs', '.cjs']) {
    const file = base + ending;
    if (isFile(file)) return isModule(file) ? asModule(file) : asScript(file);
  }
  // A folder with index.js, or a package in node_modules.
  let file;
  try {
    file = require.resolve(base);
  } catch (e) {
    try {
      file = require.resolve(name, { paths: [root] });
    } catch (e2) {
      throw new Error(`There is no ${name}.js, ${name}.mjs or ${name}.cjs in the function's package`);
    }
  }
  return isModule(file) ? asModule(file) : asScript(file);
}

function isFile(file) {
  try {
    return fs.statSync(file).isFile();
  } catch (e) {
    return false;
  }
}

/** Whether Node.js takes the file for an ES module: by its ending, or by "type" of the nearest package.json. */
function isModule(file) {
  if (file.endsWith('.mjs')) return true;
  if (!file.endsWith('.js')) return false;
  for (let folder = path.dirname(file); ; folder = path.dirname(folder)) {
    const description = path.join(folder, 'package.json');
    if (isFile(description)) return JSON.parse(fs.readFileSync(description, 'utf8')).type === 'module';
    if (path.dirname(folder) === folder || path.basename(folder) === 'node_modules') return false;
  }
}

function asScript(file) {
  try {
    return require(file);
  } catch (e) {
    if (e.code === 'ERR_REQUIRE_ESM' || e.code === 'ERR_REQUIRE_ASYNC_MODULE') return asModule(file);
    throw e;
  }
}

function asModule(file) {
  require('./modules').installForModules();
  return require('./import')(pathToFileURL(file).href);
}

module.exports = { load };
