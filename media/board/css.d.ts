declare module '*.css';

/** Made by the build: the outlines of each sign, as paths. */
declare module '@vscode/codicons/outlines' {
  interface Outline {
    /** Of the square that the paths are drawn in. */
    readonly box: string;
    readonly paths: readonly { readonly d: string; readonly rule: 'nonzero' | 'evenodd' }[];
  }
  const outlines: Readonly<Record<string, Outline>>;
  export default outlines;
}
