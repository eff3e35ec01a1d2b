import js from '@eslint/js';
import jupyter from '@jupyter/eslint-plugin';
import prettier from 'eslint-config-prettier';
import { defineConfig } from 'eslint/config';
import globals from 'globals';
import tseslint from 'typescript-eslint';

// api <- model <- components <- panels: a folder knows none that stands above it.
function layer(folder, above) {
  return {
    files: [`${folder}/**/*.ts`, `${folder}/**/*.tsx`],
    rules: {
      'no-restricted-imports': [
        'error',
        {
          patterns: [
            {
              regex: `^(\\.\\./)+(${above.join('|')})(/|$)`,
              message: 'api <- model <- components <- panels'
            },
            {
              regex: '^(\\.\\./)+(index|commands|documents|opener)$',
              message: 'Only the entry knows these.'
            }
          ]
        }
      ]
    }
  };
}

export default defineConfig([
  {
    ignores: [
      'node_modules',
      'lib',
      'coverage',
      '**/*.js',
      '**/__tests__',
      'ui-tests',
      'src/api/schema.ts'
    ]
  },
  { ...js.configs.recommended, files: ['**/*.ts', '**/*.tsx'] },
  tseslint.configs.recommended.map(config => ({
    ...config,
    files: ['**/*.ts', '**/*.tsx']
  })),
  { plugins: { jupyter } },
  jupyter.configs.recommended,
  {
    files: ['**/*.ts', '**/*.tsx'],
    languageOptions: {
      globals: globals.browser,
      parserOptions: { project: 'tsconfig.json', sourceType: 'module' }
    },
    rules: {
      '@typescript-eslint/naming-convention': [
        'error',
        {
          selector: 'interface',
          format: ['PascalCase'],
          custom: { regex: '^I[A-Z]', match: true }
        }
      ],
      '@typescript-eslint/no-namespace': 'off',
      curly: ['error', 'all'],
      eqeqeq: 'error',
      // The entry registers these at once: nothing is gained by a second request.
      'jupyter/prefer-lazy-imports': ['warn', { ignoreImports: ['./*'] }]
    }
  },
  layer('src/api', ['model', 'components', 'panels', 'drive']),
  layer('src/model', ['components', 'panels', 'drive']),
  layer('src/drive', ['model', 'components', 'panels']),
  layer('src/components', ['panels', 'drive']),
  prettier
]);
