import { describe, expect, it } from '@jest/globals';
import { plainVariables } from './plain-variables.js';

describe('the environment of a process that reads hostile bytes', () => {
  it('has the way to programs, and no secret under any name', () => {
    const all = {
      PATH: '/usr/bin',
      TZ: 'UTC',
      LC_ALL: 'C.UTF-8',
      DATABASE_URL: 'postgres://u:p@db/x',
      REDIS_URL: 'redis://:p@r',
      PGPASSWORD: 'p',
      BELLOWS_ADMIN_TOKEN: 'bws_x',
      BELLOWS_HOME: '/srv/bellows',
      AWS_SECRET_ACCESS_KEY: 'x',
    };
    expect(plainVariables(all)).toEqual({ PATH: '/usr/bin', TZ: 'UTC', LC_ALL: 'C.UTF-8' });
  });
});
