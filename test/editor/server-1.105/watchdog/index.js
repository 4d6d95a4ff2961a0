'use strict';
// Stands in for the native watchdog: the extension host also polls its parent itself, that one only covers a blocked event loop.
exports.start = () => {};
