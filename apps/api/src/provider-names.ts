/** Names under which the module hands the adapters to controllers: interfaces have none at run time. */
export const CLOUD = Symbol('Cloud');
export const MODELLED_SERVERS = Symbol('ModelledServers');
export const SETTINGS = Symbol('Settings');
export const FLEET_PROBE = Symbol('FleetProbe');
export const LOGGER = Symbol('Logger');
