import { pathAfter } from '../paths';

describe('pathAfter', () => {
  it.each([
    ['a/b.ipynb', 'a/b.ipynb', 'a/c.ipynb', 'a/c.ipynb'],
    ['a/b.ipynb', 'a', 'z', 'z/b.ipynb'],
    ['a/b.ipynb', 'b.ipynb', 'c.ipynb', null],
    ['ab/c.ipynb', 'a', 'z', null]
  ])('%s, when %s becomes %s', (path, from, to, after) => {
    expect(pathAfter(path, from, to)).toBe(after);
  });
});
