// Loaded into the child that bootstrap.mjs starts: a kill -9 of the command must end the pool itself, not leave it behind.
process.channel?.unref();
process.on("disconnect", () => process.kill(process.pid, "SIGKILL"));
