/** Ends at once: a process id that nobody has. */
export {};
