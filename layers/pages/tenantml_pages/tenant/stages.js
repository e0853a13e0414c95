// The pipelines as a person sees them: every state of a state machine belongs to one stage; a test compares.
import { html } from "./preact.js";

export const STAGES = [
  { title: "Check the file", states: ["AcceptUpload", "InspectDataset", "IsInspected"] },
  { title: "Wait for its turn", states: ["TakeTurn", "IsItsTurn", "WaitForTurn"] },
  { title: "Deliver the rows to your account", states: ["IsGrantNeeded", "GrantAccess", "DeliverDataset", "IsGrantForCopyOnly", "RevokeCopyAccess"] },
  { title: "Train candidates", states: ["StartTraining", "WaitForTraining", "CheckTraining", "IsTrainingOver", "RevokeTrainingAccess", "SelectCandidate", "CleanUp", "StartDeployment", "Trained"] },
  { title: "Deploy the best one", states: ["WhatIsAsked", "ExplainVersion", "PlanVersion", "DeployCandidate", "WaitForEndpoint", "CheckEndpoint", "IsEndpointInService", "EnlargeEndpoint"] },
  { title: "Judge it, and ask for an approval if your settings say so", states: ["EvaluateVersion", "JudgeVersion", "IsApprovalWanted", "AwaitApproval", "CheckApproval"] },
  { title: "Go live", states: ["PromoteVersion", "HadVersionBefore", "Bake", "CheckBake", "IsBakeOver", "Drain", "RetireVersion", "IsRolledBack", "RecordDeployment", "Live", "Retired"] },
];
export const BATCH_STAGES = [
  { title: "Check every row", states: ["CheckBatch"] },
  { title: "Deliver the rows to your account", states: ["DeliverBatch"] },
  { title: "Predict", states: ["StartTransform", "WaitForTransform", "CheckTransform", "IsTransformOver"] },
  { title: "Join each row with its prediction", states: ["JoinBatch", "CleanUpBatch", "RecordBatch", "Predicted"] },
];
export const AFTER_A_FAILURE = ["StopTraining", "RevokeAccess", "CleanUpAfterFailure", "RecordFailure", "HasFailed", "Failed", "RollBack"];

/** The number of the stage that a state belongs to; -1 when it is of none. */
export const stageOf = (state, stages = STAGES) => stages.findIndex((stage) => stage.states.includes(state));

/** The stages with what is done, now, and to come, while something runs or once it has succeeded. */
export function Stages({ of: { status, state }, stages = STAGES }) {
  const at = status === "succeeded" ? stages.length : stageOf(state, stages);
  if (at < 0 || !["succeeded", "running"].includes(status)) return null;
  return html`<ol class="stages">
    ${stages.map((stage, number) => {
      const word = number < at ? "done" : number > at ? "to come" : "now";
      return html`<li class=${word.replace(" ", "-")} aria-current=${word === "now" ? "step" : null}><span>${stage.title}</span> <small>${word}</small></li>`;
    })}
  </ol>`;
}
