// The pipeline as a person sees it: every state of both state machines belongs to one stage; a test compares.

export const STAGES = [
  { title: "Check the file", states: ["AcceptUpload", "InspectDataset"] },
  { title: "Wait for its turn", states: ["TakeTurn", "IsItsTurn", "WaitForTurn"] },
  { title: "Deliver the rows to your account", states: ["IsGrantNeeded", "GrantAccess", "DeliverDataset", "IsGrantForCopyOnly", "RevokeCopyAccess"] },
  { title: "Train candidates", states: ["StartTraining", "WaitForTraining", "CheckTraining", "IsTrainingOver", "RevokeTrainingAccess", "SelectCandidate", "CleanUp", "StartDeployment", "Trained"] },
  { title: "Deploy the best one", states: ["WhatIsAsked", "ExplainVersion", "DeployCandidate", "WaitForEndpoint", "CheckEndpoint", "IsEndpointInService", "EnlargeEndpoint"] },
  { title: "Judge it on rows that were held out", states: ["EvaluateVersion", "JudgeVersion"] },
  { title: "Ask for an approval, if your settings say so", states: ["IsApprovalWanted", "AwaitApproval", "CheckApproval"] },
  { title: "Go live", states: ["PromoteVersion", "HadVersionBefore", "Bake", "CheckBake", "IsBakeOver", "Drain", "RetireVersion", "IsRolledBack", "RecordDeployment", "Live", "Retired"] },
];
export const AFTER_A_FAILURE = ["StopTraining", "RevokeAccess", "CleanUpAfterFailure", "RecordFailure", "Failed", "RollBack"];

/** The number of the stage that an execution is in; -1 when its state is of none. */
export const stageOf = (state) => STAGES.findIndex((stage) => stage.states.includes(state));
