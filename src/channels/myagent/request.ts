/** What we say to a MyAgent server. Texts and objects exactly as its code reads them, not as its documents say. */
import { utf8 } from "#base/bytes.ts";
import type { Json, TaskDraft } from "#peer/channel.ts";
import type { JsonObject } from "../json.ts";

/** The server closes the connection, with all its sessions, over a bigger frame. */
export const MAX_REQUEST_BYTES = 1_048_576;

export type Request =
  | { readonly type: "create-session"; readonly setup: Json }
  | {
      readonly type: "restore-session";
      readonly signedState: JsonObject;
      readonly lastEventId: string | null;
    }
  | { readonly type: "message"; readonly text: string }
  | {
      readonly type: "response";
      readonly stepId: string;
      readonly isConfirmed: boolean;
      readonly tasks: readonly TaskDraft[] | null;
    }
  | { readonly type: "cancel" }
  | {
      readonly type: "solve-tasks";
      readonly tasks: readonly TaskDraft[];
      readonly question: string | null;
      readonly planSummary: string | null;
    }
  | { readonly type: "cancel-task"; readonly taskId: Json }
  | { readonly type: "restart-task"; readonly taskId: Json }
  | { readonly type: "cancel-plan" }
  | { readonly type: "replan"; readonly question: string | null }
  | { readonly type: "request-state" }
  | { readonly type: "ack"; readonly lastSeq: number };

/** Wire text of a request; `sessionId` null only before there is a session. */
export const encodeRequest = (request: Request, sessionId: string | null): string =>
  JSON.stringify(bodyOf(request, sessionId === null ? {} : { session_id: sessionId }));

export const requestSizeBytes = (wire: string): number => utf8(wire).length;

function bodyOf(request: Request, session: { readonly session_id?: string }): JsonObject {
  switch (request.type) {
    case "create-session":
      return request.setup === null
        ? { event: "user.create_session" }
        : { event: "user.create_session", content: request.setup };
    case "restore-session":
      return {
        event: "user.reconnect_with_state",
        signed_state: request.signedState,
        ...(request.lastEventId === null
          ? {}
          : { content: { last_event_id: request.lastEventId } }),
      };
    case "message":
      return { event: "user.message", ...session, content: request.text };
    case "response":
      return {
        event: "user.response",
        ...session,
        step_id: request.stepId,
        content: {
          confirmed: request.isConfirmed,
          ...(request.tasks === null ? {} : { tasks: request.tasks }),
        },
      };
    case "cancel":
      return { event: "user.cancel", ...session };
    case "solve-tasks":
      return {
        event: "user.solve_tasks",
        ...session,
        content: {
          tasks: request.tasks,
          ...(request.question === null ? {} : { question: request.question }),
          ...(request.planSummary === null ? {} : { plan_summary: request.planSummary }),
        },
      };
    case "cancel-task":
      return { event: "user.cancel_task", ...session, content: { task_id: request.taskId } };
    case "restart-task":
      return { event: "user.restart_task", ...session, content: { task_id: request.taskId } };
    case "cancel-plan":
      return { event: "user.cancel_plan", ...session };
    case "replan":
      return {
        event: "user.replan",
        ...session,
        ...(request.question === null ? {} : { content: { question: request.question } }),
      };
    case "request-state":
      return { event: "user.request_state", ...session };
    case "ack":
      return { event: "user.ack", content: { last_seq: request.lastSeq } };
  }
}
