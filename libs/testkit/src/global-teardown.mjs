export default async function tearDown() {
  await globalThis.__bellowsTestPostgres?.stop();
  globalThis.__bellowsTestPostgres = undefined;
}
