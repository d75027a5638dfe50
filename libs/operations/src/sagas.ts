import { createSaga } from './instance/create.saga.js';
import { deleteSaga, rebootSaga, startSaga, stopSaga } from './instance/power.saga.js';
import { resizeSaga } from './instance/resize.saga.js';
import { settleSaga } from './instance/settle.saga.js';
import type { SagaTable } from './saga/table.js';

/** Everything the cloud does to an instance. */
export const sagas: SagaTable = {
  'instance.create': createSaga,
  'instance.resize': resizeSaga,
  'instance.start': startSaga,
  'instance.stop': stopSaga,
  'instance.reboot': rebootSaga,
  'instance.delete': deleteSaga,
  'instance.settle': settleSaga,
};
