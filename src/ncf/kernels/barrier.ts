/**
 * The meeting point of the worker threads. It spins for a while, then sleeps.
 *
 * Words at the barrier's address: threads arrived, generation, threads asleep.
 */
let spins: i32 = 0;

/** How often this thread looks before it sleeps; every thread has an instance of its own. */
export function setPatience(looks: i32): void {
  spins = looks;
}

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
