export function testFilesBelow(folder: string): string[];
