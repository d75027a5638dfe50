import type { Settings } from '@bellows/config/settings';

/** Settings with what the API cannot do without. */
export type ApiSettings = Settings & { readonly databaseUrl: string };
