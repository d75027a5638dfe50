import { collect, showList, withPages, type PageOptions } from '../pages.js';
import type { Noun } from '../runner.js';
import type { Session } from '../session.js';
import { imageColumns, zoneColumns } from '../tables/catalogue.js';

async function images(session: Session, options: PageOptions) {
  const api = await session.api;
  const page = await collect((query) => api.GET('/v1/images', { params: { query } }), options);
  showList(session, 'images', imageColumns, page, options);
}

async function zones(session: Session, options: PageOptions) {
  const api = await session.api;
  const page = await collect((query) => api.GET('/v1/zones', { params: { query } }), options);
  showList(session, 'zones', zoneColumns, page, options);
}

/** Nouns that can only be listed. */
export const catalogue: Noun = (program, runner) => {
  const image = program.command('image').description('what an instance can boot');
  withPages(image.command('list').alias('ls').description('images')).action(runner.action(images));
  const zone = program.command('zone').description('where servers are');
  withPages(zone.command('list').alias('ls').description('zones')).action(runner.action(zones));
};
