/** The size of a task in the graph and the room between two, in px. */
export const NODE = { width: 200, height: 40, gapX: 72, gapY: 12 } as const;
