// Stands in for the native copy-on-write copier, which the built-in Git extension loads.
import { constants } from 'node:fs';
import { copyFile, cp } from 'node:fs/promises';

export { constants, copyFile, cp };
export const isCloneSupported = () => false;
