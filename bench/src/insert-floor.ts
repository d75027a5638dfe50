/**
 * The floor that `bench:create` is measured against: bare Fastify and one durable insert a request, on the same
 * database. Runs as a process of its own, as the API does.
 */
import fastify from 'fastify';
import pg from 'pg';

const pool = new pg.Pool({ connectionString: process.env['DATABASE_URL'], max: 10 });
await pool.query('CREATE TABLE IF NOT EXISTS bench_floor (id bigserial PRIMARY KEY, body jsonb NOT NULL)');
const app = fastify();
app.post('/', async (request, reply) => {
  const insert = {
    name: 'floor',
    text: 'INSERT INTO bench_floor (body) VALUES ($1) RETURNING id',
    values: [request.body],
  };
  const { rows } = await pool.query<{ id: string }>(insert);
  return reply.code(202).send({ id: rows[0]!.id });
});
await app.listen({ host: '127.0.0.1', port: Number(process.env['PORT']) });
process.stdout.write('ready\n');
