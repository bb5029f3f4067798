/**
 * The meeting point of the worker threads. It spins for a while, as phases are short and waking a sleeper takes longer
 * than most of them, then sleeps: more spinning threads than cores would hold up the ones that have work. So the
 * patience shrinks when spinning was in vain, and grows back when it was not.
 *
 * Words at the barrier's address: threads arrived, generation, threads asleep.
 */
const leastSpins: i32 = 16_000;
const mostSpins: i32 = 200_000;
/** Of this thread: every thread has an instance of its own. */
let spins: i32 = mostSpins;

/** Returns once all `threads` threads have called it. */
export function meet(at: usize, threads: u32): void {
  if (threads === 1) return;
  const generation = atomic.load<u32>(at, 4);
  if (atomic.add<u32>(at, 1) === threads - 1) {
    atomic.store<u32>(at, 0);
    atomic.store<u32>(at, generation + 1, 4);
    if (atomic.load<u32>(at, 8) !== 0) atomic.notify(at + 4, -1);
    return;
  }
  for (let i = 0; i < spins; i++) {
    if (atomic.load<u32>(at, 4) !== generation) {
      spins = min(mostSpins, spins + (spins >> 2));
      return;
    }
  }
  spins = max(leastSpins, spins >> 1);
  atomic.add<u32>(at, 1, 8);
  while (atomic.load<u32>(at, 4) === generation) atomic.wait<i32>(at + 4, generation, -1);
  atomic.sub<u32>(at, 1, 8);
}
