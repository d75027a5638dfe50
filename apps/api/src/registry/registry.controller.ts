import { Controller, Delete, Get, HttpCode, Inject, Param, Post, Query, Res } from '@nestjs/common';
import { ApiBearerAuth, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { isRefusal, refuse } from '@bellows/domain/refusal';
import type { Ask, Cloud } from '@bellows/operations/cloud';
import { collectImages } from '@bellows/operations/registry/collect';
import { listRepositories, registryUse, repositorySeenBy } from '@bellows/operations/registry/look';
import { removeImage } from '@bellows/operations/registry/remove';
import { Asked } from '../http/asked.js';
import { Lists, Mutates, Reads } from '../http/documented.js';
import { TextField } from '../http/fields.js';
import { pageAsk, paged, PageQuery, ProjectQuery } from '../http/pages.js';
import { asQuery } from '../http/parse.js';
import { Refused } from '../http/refused.js';
import { sendMutation, sendRefusal, sendView } from '../http/send.js';
import { CLOUD } from '../provider-names.js';
import { REGISTRY, type RegistryParts } from './registry-parts.js';
import { RegistryView, registryView, RepositoryView, repositoryView } from './registry.views.js';

export class RepositoriesQuery extends PageQuery {
  @TextField({ optional: true, max: 64, description: "A project's id, or `library`. Default: one's own." })
  namespace?: string;
}

/** What the registry keeps. A repository's id is its name; written in a path, its slashes are `%2F`. */
@ApiTags('registry')
@ApiBearerAuth()
@Controller('v1/registry')
export class RegistryController {
  constructor(
    @Inject(CLOUD) private readonly cloud: Cloud,
    @Inject(REGISTRY) private readonly registry: RegistryParts | null,
  ) {}

  @Get()
  @Reads('Where the registry is, and how much of it a project uses', RegistryView)
  async read(
    @Asked() ask: Ask,
    @Query(asQuery(ProjectQuery)) { project }: ProjectQuery,
    @Res() reply: FastifyReply,
  ) {
    const { images, addresses } = this.#there();
    const use = await registryUse(this.cloud, images, ask, project);
    if (isRefusal(use)) return sendRefusal(reply, use);
    sendView(reply, registryView(addresses, use, await images.lastCollection()));
  }

  @Get('repositories')
  @Lists('Repositories of a project, or of everybody', RepositoryView)
  async list(
    @Asked() ask: Ask,
    @Query(asQuery(RepositoriesQuery)) query: RepositoriesQuery,
    @Res() reply: FastifyReply,
  ) {
    const page = { ...pageAsk(query), namespace: query.namespace };
    sendView(
      reply,
      await paged(listRepositories(this.cloud, this.#there().images, ask, page), repositoryView),
    );
  }

  @Get('repositories/:id')
  @Reads('One repository, its tags and what they weigh', RepositoryView)
  async repository(@Asked() ask: Ask, @Param('id') id: string, @Res() reply: FastifyReply) {
    const found = await repositorySeenBy(this.#there().images, ask, id);
    sendView(reply, isRefusal(found) ? found : repositoryView(found));
  }

  @Delete('repositories/:id')
  @HttpCode(204)
  @Mutates('Delete a repository and all its tags; its space comes back with the next collection', 204)
  async remove(@Asked() ask: Ask, @Param('id') id: string, @Res() reply: FastifyReply) {
    const { images } = this.#there();
    await sendMutation(reply, this.cloud, ask, await removeImage(this.cloud, images, ask, id, null));
  }

  @Delete('repositories/:id/tags/:tag')
  @HttpCode(204)
  @Mutates('Delete one tag; other tags of the same image stay', 204)
  async removeTag(
    @Asked() ask: Ask,
    @Param('id') id: string,
    @Param('tag') tag: string,
    @Res() reply: FastifyReply,
  ) {
    const { images } = this.#there();
    await sendMutation(reply, this.cloud, ask, await removeImage(this.cloud, images, ask, id, tag));
  }

  @Post('collections')
  @HttpCode(202)
  @Mutates(
    'Give back the space of what no tag names; GET /v1/registry says when it is done; admins only',
    202,
  )
  async collect(@Asked() ask: Ask, @Res() reply: FastifyReply) {
    const answer = { status: 202, body: {}, headers: { location: '/v1/registry' } };
    const result = await collectImages(this.cloud, this.#there().images, ask, answer);
    await sendMutation(reply, this.cloud, ask, result);
  }

  #there(): RegistryParts {
    if (this.registry) return this.registry;
    throw new Refused(refuse('not-found', 'This cloud has no registry.'));
  }
}
