// Beats every 10 s. A worker, because browsers slow the timers of pages in the background down to one a minute, and an
// agent whose lease runs out there would lose offers.

setInterval(() => postMessage("beat"), 10_000);
