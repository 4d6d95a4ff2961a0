declare module '*.css';

/** Made by the build: the outlines of each sign, as paths in a square of 16. */
declare module 'codicons' {
  interface Outline {
    readonly d: string;
    readonly rule: 'nonzero' | 'evenodd';
  }
  const outlines: Readonly<Record<import('./signs.ts').Sign, readonly Outline[]>>;
  export default outlines;
}
