// Makes CommonJS of the ES modules in node_modules; the compiler takes a fraction of Babel's time.
const ts = require('typescript');

const compilerOptions = {
  allowJs: true,
  esModuleInterop: true,
  module: ts.ModuleKind.CommonJS,
  target: ts.ScriptTarget.ES2022
};

module.exports = {
  process: (source, fileName) => ({
    code: ts.transpileModule(source, { fileName, compilerOptions }).outputText
  })
};
