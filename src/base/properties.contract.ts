/** Properties, looked at with one seed in every run: what fails, fails for everybody. `PARLEY_SEED` looks elsewhere. */
import fc from "fast-check";

fc.configureGlobal({ seed: Number(process.env["PARLEY_SEED"] ?? 20_261_122) });

export { fc };
