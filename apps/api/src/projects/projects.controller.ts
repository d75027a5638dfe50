import { Body, Controller, Get, HttpCode, Inject, Param, Post, Query, Res } from '@nestjs/common';
import { ApiBearerAuth, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import type { ProjectId } from '@bellows/domain/ids';
import type { Ask, Cloud } from '@bellows/operations/cloud';
import { addProject } from '@bellows/operations/project/add';
import { nothingThere, sees } from '@bellows/operations/views/visible';
import { Asked } from '../http/asked.js';
import { Lists, Mutates, Reads } from '../http/documented.js';
import { pageAsk, paged, PageQuery } from '../http/pages.js';
import { as, asQuery } from '../http/parse.js';
import { idOf } from '../http/path-id.js';
import { sendMutation, sendRefusal, sendView } from '../http/send.js';
import { CLOUD } from '../provider-names.js';
import { ProjectBody } from './project.bodies.js';
import { projectView, ProjectView } from './project.views.js';

@ApiTags('projects')
@ApiBearerAuth()
@Controller('v1/projects')
export class ProjectsController {
  constructor(@Inject(CLOUD) private readonly cloud: Cloud) {}

  @Get()
  @Lists('Projects this token sees', ProjectView)
  async list(@Asked() ask: Ask, @Query(asQuery(PageQuery)) query: PageQuery, @Res() reply: FastifyReply) {
    const { projectId } = ask.principal;
    if (projectId === null) {
      return sendView(reply, await paged(this.cloud.store.projects(pageAsk(query)), projectView));
    }
    const own = await this.cloud.store.project(projectId);
    sendView(reply, { items: own ? [projectView(own)] : [], nextCursor: null });
  }

  @Get(':id')
  @Reads('One project', ProjectView)
  async read(@Asked() ask: Ask, @Param('id', idOf('project')) id: ProjectId, @Res() reply: FastifyReply) {
    const project = sees(ask.principal, id) ? await this.cloud.store.project(id) : null;
    if (!project) return sendRefusal(reply, nothingThere('project'));
    sendView(reply, projectView(project));
  }

  @Post()
  @HttpCode(201)
  @Mutates('Make a project; admins only', 201, ProjectView)
  async add(@Asked() ask: Ask, @Body(as(ProjectBody)) body: ProjectBody, @Res() reply: FastifyReply) {
    const result = await addProject(this.cloud, ask, body, (project) => ({
      status: 201,
      body: projectView(project),
      headers: { location: `/v1/projects/${project.id}` },
    }));
    await sendMutation(reply, this.cloud, ask, result);
  }
}
