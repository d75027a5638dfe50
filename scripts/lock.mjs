// A lock between processes of one clone. Its file names the owner by pid and start time, so that a lock whose
// owner died is taken over, and a reused pid is not taken for the owner.
import { linkSync, readFileSync, rmSync, statSync, unlinkSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

/** Start time in clock ticks where /proc tells it (proc(5): fields are counted after the last bracket), else ''. */
function startedAt(pid) {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return text.slice(text.lastIndexOf(')') + 2).split(' ')[19] ?? '';
  } catch {
    return '';
  }
}

function isAlive({ pid, started }) {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if (error.code !== 'EPERM') return false;
  }
  return startedAt(pid) === started;
}

function ownerOf(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    return null;
  }
}

/** Makes the file with its content in one step; false when it is there already. */
function appears(path, content) {
  const draft = `${path}.${process.pid}`;
  writeFileSync(draft, content);
  try {
    linkSync(draft, path);
    return true;
  } catch (error) {
    if (error.code === 'EEXIST') return false;
    throw error;
  } finally {
    unlinkSync(draft);
  }
}

/** Only one process at a time may judge a lock dead, or two could remove each other's fresh one. */
function removeIfDead(path) {
  const judge = `${path}.judge`;
  if (!appears(judge, '')) {
    try {
      // A judgement takes milliseconds; one this old lost its judge.
      if (Date.now() - statSync(judge).mtimeMs > 10_000) rmSync(judge, { force: true });
    } catch {
      // It was just given back.
    }
    return;
  }
  try {
    const owner = ownerOf(path);
    if (owner && !isAlive(owner)) rmSync(path, { force: true });
  } finally {
    rmSync(judge, { force: true });
  }
}

/** Runs `work` while no other process of this clone does; `onWait` is called once when it has to wait. */
export async function withLock(path, onWait, work) {
  const mark = JSON.stringify({ pid: process.pid, started: startedAt(process.pid) });
  for (let waited = false; !appears(path, mark); waited = true) {
    const owner = ownerOf(path);
    if (owner && !isAlive(owner)) {
      removeIfDead(path);
    } else {
      if (!waited && owner) onWait(owner.pid);
    }
    await sleep(100);
  }
  const release = () => rmSync(path, { force: true });
  process.once('exit', release);
  try {
    return await work();
  } finally {
    process.removeListener('exit', release);
    release();
  }
}
