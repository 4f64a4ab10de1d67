/** Loaded before a program: it lives as far ahead of this machine's time as the file CLOCK_FILE says at its start. */
import { readFileSync } from "node:fs";

const aheadMs = Number(readFileSync(process.env["CLOCK_FILE"] ?? "", "utf8"));
const realNow = Date.now.bind(Date);

Date.now = () => realNow() + aheadMs;
