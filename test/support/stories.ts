import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { readStory, type Story } from './story.ts';

const folder = path.resolve(import.meta.dirname, '..', 'cases');

/** All golden stories, in order of their file names. */
export function stories(): readonly Story[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith('.md') && name !== 'README.md')
    .toSorted()
    .map((name) => readStory(name, readFileSync(path.join(folder, name), 'utf8')));
}
