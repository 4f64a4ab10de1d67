import { createMemoryStore } from "./memory-store.ts";
import { describeStore } from "./store.contract.ts";

describeStore("memory", async () => createMemoryStore());
