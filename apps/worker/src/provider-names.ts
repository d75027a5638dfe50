/** Names under which the module hands out what has no class of its own. */
export const CLOUD = Symbol('Cloud');
export const SETTINGS = Symbol('Settings');
export const LOGGER = Symbol('Logger');
