'use strict';
// In a file of its own: an interpreter that does not know import() reads it only for ES modules.
module.exports = (url) => import(url);
