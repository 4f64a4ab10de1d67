import { describe, expect, test } from "vitest";
import type { ConnectionStatus } from "#peer/endpoint.ts";
import { createStatusBoard } from "./connection-status.ts";

const online: ConnectionStatus = { status: "online", connectionId: "c", connections: 1 };
const waiting: ConnectionStatus = { status: "waiting", since: 0, retryAt: 1, because: "lost" };
const connecting = (tries: number): ConnectionStatus => ({ status: "connecting", tries });
const authenticating: ConnectionStatus = { status: "authenticating" };

const aBoard = () => createStatusBoard((run) => void run());

describe("the words for the line", () => {
  test("[K3] a first run tells its first handler connecting and connected", () => {
    const board = aBoard();
    for (const status of [{ status: "idle" } as const, connecting(0), authenticating, online])
      board.tell(status);
    const heard: string[] = [];
    board.add((word) => heard.push(word));

    expect(heard).toEqual(["connecting", "connected"]);
  });

  test("[K3] tries that failed before the first handler came are told without repeats", () => {
    const board = aBoard();
    for (const status of [connecting(0), waiting, authenticating, waiting, connecting(2), online])
      board.tell(status);
    const heard: string[] = [];
    board.add((word) => heard.push(word));

    expect(heard).toEqual(["connecting", "reconnecting", "connected"]);
  });

  test("[K3] a further try is reconnecting, also before the line ever stood", () => {
    const board = aBoard();
    board.tell(connecting(1));

    expect(board.current).toBe("reconnecting");
  });

  test("[K3] a later handler hears only what comes after it", () => {
    const board = aBoard();
    board.tell(connecting(0));
    const [first, second]: [string[], string[]] = [[], []];
    board.add((word) => first.push(word));
    const remove = board.add((word) => second.push(word));
    board.tell(online);
    remove();
    board.tell(waiting);

    expect(first).toEqual(["connecting", "connected", "reconnecting"]);
    expect(second).toEqual(["connected"]);
  });

  test("[K3] a lost line is reconnecting until it stands again", () => {
    const board = aBoard();
    const heard: string[] = [];
    board.add((word) => heard.push(word));
    for (const status of [connecting(0), online, waiting, connecting(0), authenticating, online])
      board.tell(status);

    expect(heard).toEqual([
      "connecting",
      "connected",
      "reconnecting",
      "authenticating",
      "connected",
    ]);
  });

  test("[K3] an end is disconnected, and error when nothing can help", () => {
    const board = aBoard();
    const heard: string[] = [];
    board.add((word) => heard.push(word));
    board.tell({ status: "stopped", because: "closed", fatal: false });
    board.tell({ status: "stopped", because: "AUTH_FAILED", fatal: true });

    expect(heard).toEqual(["disconnected", "error"]);
  });
});
