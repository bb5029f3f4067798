/**
 * The meeting point of the worker threads. It spins briefly, as phases are short, then sleeps: more spinning threads
 * than cores would hold up the ones that have work.
 *
 * Words at the barrier's address: threads arrived, generation, threads asleep.
 */
const spins: i32 = 4000;

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
    if (atomic.load<u32>(at, 4) !== generation) return;
  }
  atomic.add<u32>(at, 1, 8);
  while (atomic.load<u32>(at, 4) === generation) atomic.wait<i32>(at + 4, generation, -1);
  atomic.sub<u32>(at, 1, 8);
}
